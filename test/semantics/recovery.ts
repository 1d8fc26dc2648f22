import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, contract, type HandlerContext } from '../../lib/index.js';
import { aborted, type Cluster, connect, counted, failure, failureOf, type Part, Signal } from './cluster.js';

const Task = contract('task', '1', {
  who: call<undefined, string>(),
  plain: call<number, string>(),
  often: call<number, string>({ idempotent: true }),
  note: cast<string>(),
});

/** A heartbeat that makes silence short. */
const quick = { heartbeatMs: 100 };

/** Handlers that take so many ms, and tell what they started and when they were stopped. */
const tasks = (cluster: Cluster, name = 'server') => {
  const ids: string[] = [];
  const notes: string[] = [];
  const started = new Signal<string>();
  const stopped = new Signal<number>();
  const work = async (ms: number, { id, signal }: HandlerContext): Promise<string> => {
    const place = ids.push(id);
    started.resolve(name);
    void aborted(signal).then(() => stopped.resolve(cluster.now()));
    await cluster.after(ms);
    return `${name} ${String(place)}`;
  };
  const handlers = { who: () => name, plain: work, often: work, note: (note: string) => notes.push(note) };
  return { handlers, ids, notes, started: started.promise, stopped: stopped.promise };
};

/** Two servers and who calls them. */
const two = async (cluster: Cluster) => {
  const [a, b] = [tasks(cluster, 'a'), tasks(cluster, 'b')];
  await cluster.serve(await cluster.node('a'), Task, a.handlers);
  await cluster.serve(await cluster.node('b'), Task, b.handlers);
  const client = (await cluster.node('caller')).client(Task);
  return { a, b, client };
};

/** Section 2, where a wire or a server is lost on the way; only a simulation can lose them at will. */
export const recovery: Part = (use) => {
  describe('a call with retries', () => {
    it('outlives its server where its method is idempotent, with the same id', async () => {
      const cluster = use();
      const { a, b, client } = await two(cluster);
      const called = Promise.resolve(client.often(500, { retries: 3 }));
      const first = await cluster.settle(Promise.race([a.started, b.started]));
      cluster.faults.kill(first);
      expect(await cluster.settle(called)).toBe(`${first === 'a' ? 'b' : 'a'} 1`);
      expect(a.ids).toHaveLength(1);
      expect(a.ids).toEqual(b.ids);
    });

    it('ends with link-lost where its method is plain, and is run nowhere else', async () => {
      const cluster = use();
      const { a, b, client } = await two(cluster);
      const lost = failureOf('link-lost', client.plain(500, { retries: 3 }));
      cluster.faults.kill(await cluster.settle(Promise.race([a.started, b.started])));
      expect(await cluster.settle(lost)).toMatchObject({ ran: 'unknown' });
      await cluster.pass(5_000);
      expect([...a.ids, ...b.ids]).toHaveLength(1);
    });

    it('joins the work that it has lost the wire to, be its method idempotent or plain', async () => {
      const cluster = use();
      const { handlers, ids } = tasks(cluster);
      const { server, client } = await connect(cluster, Task, handlers);
      const called = [client.plain(500, { retries: 3 }), client.often(500, { retries: 3 })].map((one) => Promise.resolve(one));
      await cluster.pass(100);
      expect(ids).toHaveLength(2);
      cluster.faults.break('caller', 'server');
      expect(await cluster.settle(Promise.all(called))).toEqual(['server 1', 'server 2']);
      expect(ids).toHaveLength(2);
      expect(counted(server, 'repeats.known')).toBe(2);
    });

    it('gets the first answer again where that was lost on its way', async () => {
      const cluster = use();
      const { handlers, ids } = tasks(cluster);
      const { caller, server, client } = await connect(cluster, Task, handlers);
      await cluster.settle(client.who());
      cluster.faults.setLatency('caller', 'server', 40);
      const called = Promise.resolve(client.plain(0, { retries: 3 }));
      // It has arrived by then, and the answer has not.
      await cluster.pass(60);
      expect(ids).toHaveLength(1);
      cluster.faults.break('caller', 'server');
      expect(await cluster.settle(called)).toBe('server 1');
      expect(ids).toHaveLength(1);
      expect([counted(caller, 'deliveries.repeated'), counted(server, 'repeats.known')]).toEqual([1, 1]);
    });
  });

  describe('an idempotent call that is asked for again', () => {
    it('stays of unknown outcome, with its id, while later attempts are not started', async () => {
      const cluster = use();
      const { handlers, started, ids } = tasks(cluster);
      await cluster.serve(await cluster.node('server'), Task, handlers);
      const often = (await cluster.node('caller', { noServerMs: 0 })).client(Task).often(500);
      const lost = failure(firstValueFrom(often));
      await cluster.settle(started);
      cluster.faults.kill('server');
      expect(await cluster.settle(lost)).toMatchObject({ code: 'link-lost', ran: 'unknown' });
      expect(await cluster.settle(failure(firstValueFrom(often)))).toMatchObject({ code: 'link-lost', ran: 'unknown' });
      const again = tasks(cluster, 'again');
      await cluster.serve(await cluster.node('again'), Task, again.handlers);
      expect(await cluster.settle(firstValueFrom(often))).toBe('again 1');
      expect(again.ids).toEqual(ids);
    });
  });

  describe('a call without retries', () => {
    it('ends with link-lost where its wire is lost, and the next one goes by another wire', async () => {
      const cluster = use();
      const { handlers, started } = tasks(cluster);
      const { client } = await connect(cluster, Task, handlers);
      const lost = failureOf('link-lost', client.often(500));
      await cluster.settle(started);
      cluster.faults.break('caller', 'server');
      expect(await cluster.settle(lost)).toMatchObject({ ran: 'unknown' });
      expect(await cluster.settle(client.who())).toBe('server');
    });
  });

  describe('work whose caller has lost its wire', () => {
    const loseAt = async (cluster: Cluster, retries: number) => {
      const { handlers, started, stopped } = tasks(cluster);
      const { caller, client } = await connect(cluster, Task, handlers, { caller: quick, server: quick });
      const called = failure(client.plain(10_000, { retries }));
      await cluster.settle(started);
      return { caller, called, stopped };
    };

    it('is stopped at once where it cannot be asked for again', async () => {
      const cluster = use();
      const { called, stopped } = await loseAt(cluster, 0);
      const brokenAt = cluster.now();
      cluster.faults.break('caller', 'server');
      expect((await cluster.settle(stopped)) - brokenAt).toBeLessThan(5);
      await cluster.settle(called);
    });

    it('goes on for three of its heartbeats where it can', async () => {
      const cluster = use();
      const { called, stopped } = await loseAt(cluster, 1);
      cluster.faults.cut('caller', 'server');
      const brokenAt = cluster.now();
      cluster.faults.break('caller', 'server');
      const keptMs = (await cluster.settle(stopped)) - brokenAt;
      expect(keptMs).toBeGreaterThanOrEqual(300);
      expect(keptMs).toBeLessThan(310);
      expect(await cluster.settle(called)).toMatchObject({ ran: 'unknown' });
    });

    it('is stopped at once where the caller has said goodbye', async () => {
      const cluster = use();
      const { caller, called, stopped } = await loseAt(cluster, 3);
      const leftAt = cluster.now();
      await cluster.settle(caller.close());
      expect((await cluster.settle(stopped)) - leftAt).toBeLessThan(10);
      expect(await cluster.settle(called)).toMatchObject({ code: 'closed', ran: 'unknown' });
    });
  });

  describe('casts on a wire that is lost', () => {
    it('arrive all the same, each once and in their order', async () => {
      const cluster = use();
      const { handlers, notes } = tasks(cluster);
      const { caller, client } = await connect(cluster, Task, handlers);
      await cluster.settle(client.who());
      cluster.faults.setLatency('caller', 'server', 20);
      const sent = Array.from({ length: 60 }, (_, i) => String(i));
      const receipts = [];
      for (const note of sent) {
        receipts.push(Promise.resolve(client.note(note)));
        await cluster.pass(1);
      }
      // Some have arrived and are not accepted yet, others are on their way.
      cluster.faults.break('caller', 'server');
      for (const receipt of await cluster.settle(Promise.all(receipts))) {
        expect(receipt).toEqual({ state: 'accepted', server: 'server' });
      }
      expect(notes).toEqual(sent);
      expect(counted(caller, 'casts.resumed')).toBeGreaterThan(0);
      expect(counted(caller, 'casts.resent')).toBeGreaterThan(0);
    });

    it('are of unknown outcome once no one can say any more whether they arrived', async () => {
      const cluster = use();
      const { handlers, notes } = tasks(cluster);
      const { client } = await connect(cluster, Task, handlers, { caller: quick });
      await cluster.settle(client.who());
      cluster.faults.setLatency('caller', 'server', 20);
      const lost = failureOf('link-lost', client.note('lost'));
      await cluster.pass(10);
      cluster.faults.cut('caller', 'server');
      const brokenAt = cluster.now();
      cluster.faults.break('caller', 'server');
      expect(await cluster.settle(lost)).toMatchObject({ ran: 'unknown' });
      expect(cluster.now() - brokenAt).toBeGreaterThanOrEqual(300);
      expect(cluster.now() - brokenAt).toBeLessThan(310);
      expect(notes).toEqual([]);
    });
  });

  describe('a request without a server that can be reached', () => {
    it('waits for one as long as for one that is listed, then says why', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Task, tasks(cluster).handlers, { caller: { noServerMs: 500 } });
      await cluster.settle(client.who());
      cluster.faults.kill('server', 5_000);
      await cluster.pass(50);
      const before = cluster.now();
      expect(await failureOf('undeliverable', cluster.settle(client.who()))).toMatchObject({ ran: 'no' });
      expect(cluster.now() - before).toBeGreaterThanOrEqual(500);
      expect(cluster.now() - before).toBeLessThan(510);
    });

    it('goes as soon as one can be', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Task, tasks(cluster).handlers, { caller: { noServerMs: 10_000 } });
      await cluster.settle(client.who());
      cluster.faults.cut('caller', 'server');
      cluster.faults.break('caller', 'server');
      const called = Promise.resolve(client.who());
      await cluster.pass(1_000);
      cluster.faults.heal('caller', 'server');
      expect(await cluster.settle(called)).toBe('server');
    });
  });
};
