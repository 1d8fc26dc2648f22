import { firstValueFrom, NEVER, type Observable, retry } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, contract } from '../../lib/index.js';
import { aborted, type Cluster, connect, counted, ends, failure, failureOf, type Part, Signal } from './cluster.js';

const Task = contract('task', '1', {
  who: call<undefined, string>(),
  slow: call<number, string>(),
  never: call(),
  note: cast<string>(),
});

const tasks = (cluster: Cluster, name: string, notes: string[] = []) => ({
  who: () => name,
  slow: async (ms: number) => {
    await cluster.after(ms);
    return name;
  },
  never: () => NEVER as Observable<undefined>,
  note: (note: string) => notes.push(note),
});

/** A heartbeat that makes silence short. */
const quick = { heartbeatMs: 100 };

/** Sections 1 to 5 where something breaks; only a simulation can break it at will. */
export const faults: Part = (use) => {
  describe('a server that dies', () => {
    it('ends what it had under way with link-lost, and nothing else', async () => {
      const cluster = use();
      for (const name of ['a', 'b']) await cluster.serve(await cluster.node(name), Task, tasks(cluster, name));
      const client = (await cluster.node('caller')).client(Task);
      const at = (name: string) => Array.from({ length: 20 }, () => Promise.resolve(client.$on(name).slow(500)));
      const [lost, kept] = [at('a').map(failure), at('b')];
      await cluster.settle(client.$on('a').who());
      cluster.faults.kill('a');
      for (const error of await cluster.settle(Promise.all(lost))) {
        expect(error).toMatchObject({ code: 'link-lost', ran: 'unknown' });
      }
      expect(new Set(await cluster.settle(Promise.all(kept)))).toEqual(new Set(['b']));
    });

    it('is not chosen while another one lives', async () => {
      const cluster = use();
      for (const name of ['a', 'b']) await cluster.serve(await cluster.node(name), Task, tasks(cluster, name));
      const client = (await cluster.node('caller')).client(Task);
      await cluster.settle(Promise.all(['a', 'b'].map((name) => client.$on(name).who())));
      cluster.faults.kill('a');
      await cluster.pass(50);
      const answers = await cluster.settle(Promise.all(Array.from({ length: 50 }, () => client.who())));
      expect(new Set(answers)).toEqual(new Set(['b']));
    });

    it('is known by the directory until its lease ends: what is sent there meanwhile is undeliverable, then there is no server', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Task, tasks(cluster, 'server'));
      await cluster.settle(client.who());
      cluster.faults.kill('server', 5_000);
      await cluster.pass(50);
      expect(await failureOf('undeliverable', cluster.settle(client.who()))).toMatchObject({ ran: 'no' });
      expect(await failureOf('undeliverable', cluster.settle(client.note('x')))).toMatchObject({ ran: 'no' });
      await cluster.pass(5_000);
      expect(await failureOf('no-server', cluster.settle(client.who()))).toMatchObject({ ran: 'no' });
    });

    it('and comes back gets what is sent from then on, and nothing that was meant for its former self', async () => {
      const cluster = use();
      const notes: string[] = [];
      const { client } = await connect(cluster, Task, tasks(cluster, 'server', notes));
      await cluster.settle(client.note('first'));
      const lost = failure(client.slow(1_000));
      cluster.faults.kill('server');
      const unsure = failure(client.note('for the former'));
      expect((await cluster.settle(lost)).code).toBe('link-lost');
      expect(['link-lost', 'undeliverable']).toContain((await cluster.settle(unsure)).code);
      const again = await cluster.node('server');
      await cluster.serve(again, Task, tasks(cluster, 'again', notes));
      expect(await cluster.settle(client.who())).toBe('again');
      await cluster.settle(client.note('second'));
      expect(notes).toEqual(['first', 'second']);
    });
  });

  describe('a caller that dies', () => {
    it('has its calls aborted, and its accepted casts done', async () => {
      const cluster = use();
      const stopped = new Signal<unknown>();
      const notes: string[] = [];
      const { server, client } = await connect(cluster, Task, {
        ...tasks(cluster, 'server', notes),
        never: (_, { signal }) => {
          void aborted(signal).then((reason) => stopped.resolve(reason));
          return NEVER as Observable<undefined>;
        },
        slow: async (ms) => {
          await cluster.after(ms);
          notes.push('slow');
          return '';
        },
      });
      client.never().subscribe({ error: () => undefined });
      await cluster.settle(client.note('accepted'));
      await cluster.settle(client.who());
      cluster.faults.kill('caller');
      expect(await cluster.settle(stopped.promise)).toMatchObject({ code: 'link-lost' });
      expect(notes).toEqual(['accepted']);
      expect(counted(server, 'handlers.failed')).toBe(0);
    });
  });

  describe('a peer that falls silent', () => {
    it('is suspect after 3 heartbeats and lost after 10, when what it has under way ends with peer-silent', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Task, tasks(cluster, 'server'), { caller: quick, server: quick });
      await cluster.settle(client.who());
      const states: (readonly [number, string | undefined])[] = [];
      const cutAt = cluster.now();
      caller.peers$.subscribe((peers) => states.push([cluster.now() - cutAt, peers[0]?.state]));
      const lost = failure(client.never());
      await cluster.pass(10);
      cluster.faults.cut('caller', 'server');
      expect(await cluster.settle(lost)).toMatchObject({ code: 'peer-silent', ran: 'unknown' });
      const endedMs = cluster.now() - cutAt;
      const suspectMs = states.find(([, state]) => state === 'suspect')?.[0];
      expect(suspectMs).toBeGreaterThan(200);
      expect(suspectMs).toBeLessThanOrEqual(320);
      expect(endedMs).toBeGreaterThan(900);
      expect(endedMs).toBeLessThanOrEqual(1_020);
    });

    it('gets no new work while another one is heard', async () => {
      const cluster = use();
      for (const name of ['a', 'b']) await cluster.serve(await cluster.node(name, quick), Task, tasks(cluster, name));
      const client = (await cluster.node('caller', quick)).client(Task);
      await cluster.settle(Promise.all(['a', 'b'].map((name) => client.$on(name).who())));
      cluster.faults.cut('caller', 'a');
      await cluster.pass(350);
      const answers = await cluster.settle(Promise.all(Array.from({ length: 50 }, () => client.who())));
      expect(new Set(answers)).toEqual(new Set(['b']));
      cluster.faults.heal('caller', 'a');
      await cluster.pass(350);
      const later = await cluster.settle(Promise.all(Array.from({ length: 50 }, () => client.slow(1))));
      expect(new Set(later)).toEqual(new Set(['a', 'b']));
    });

    it('and speaks again in time has lost nothing', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Task, tasks(cluster, 'server'), { caller: quick, server: quick });
      await cluster.settle(client.who());
      const slow = Promise.resolve(client.slow(200));
      cluster.faults.cut('caller', 'server');
      await cluster.pass(700);
      cluster.faults.heal('caller', 'server');
      expect(await cluster.settle(slow)).toBe('server');
    });

    it('for a moment keeps the order of the casts to it', async () => {
      const cluster = use();
      const notes: string[] = [];
      const { client } = await connect(cluster, Task, tasks(cluster, 'server', notes));
      const sent: string[] = [];
      for (let i = 0; i < 50; i += 1) {
        if (i === 10) cluster.faults.cut('caller', 'server');
        if (i === 30) cluster.faults.heal('caller', 'server');
        sent.push(String(i));
        client.note(String(i));
        await cluster.pass(10);
      }
      await cluster.settle(client.note('end'));
      expect(notes).toEqual([...sent, 'end']);
    });
  });

  describe('a peer that cannot be reached', () => {
    it('ends what waits for it as undeliverable, or at its deadline', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Task, tasks(cluster, 'server'));
      cluster.faults.cut('caller', 'server');
      const [early, late] = [failure(client.who(undefined, { timeoutMs: 500 })), failure(client.who())];
      expect(await cluster.settle(early)).toMatchObject({ code: 'deadline-exceeded', ran: 'no' });
      expect(await cluster.settle(late)).toMatchObject({ code: 'undeliverable', ran: 'no' });
      cluster.faults.heal('caller', 'server');
      expect(
        await cluster.settle(firstValueFrom(client.who().pipe(retry({ count: 100, delay: () => cluster.after(100) })))),
      ).toBe('server');
      expect(ends(caller)['requests.link-lost']).toBeUndefined();
    });
  });

  describe('a slow way', () => {
    it('drops the answer that comes behind the deadline, and counts it', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Task, tasks(cluster, 'server'));
      await cluster.settle(client.who());
      cluster.faults.setLatency('caller', 'server', 40);
      await failureOf('deadline-exceeded', cluster.settle(client.who(undefined, { timeoutMs: 60 })));
      await cluster.pass(200);
      expect(counted(caller, 'answers.late')).toBe(1);
      expect(await cluster.settle(client.who(undefined, { timeoutMs: 100 }))).toBe('server');
    });

    it('takes its part of the remaining time from the caller, not from the server', async () => {
      const cluster = use();
      const Left = contract('left', '1', { ms: call<undefined, number>() });
      const { client } = await connect(cluster, Left, { ms: (_, { deadline }) => deadline - cluster.now() });
      await cluster.settle(client.ms());
      cluster.faults.setLatency('caller', 'server', 40);
      const leftMs = await cluster.settle(client.ms(undefined, { timeoutMs: 100 }));
      expect(leftMs).toBeGreaterThan(99);
      expect(leftMs).toBeLessThanOrEqual(100);
    });
  });

  describe('a directory that fails', () => {
    it('from the start makes a request wait until its deadline', async () => {
      const cluster = use();
      cluster.faults.outage();
      const caller = await cluster.node('caller', { noServerMs: 0 });
      const [called, casted] = [
        caller.client(Task).who(undefined, { timeoutMs: 3_000 }),
        caller.client(Task).note('x', { timeoutMs: 3_000 }),
      ];
      const before = cluster.now();
      expect(await cluster.settle(failure(called))).toMatchObject({ code: 'deadline-exceeded', ran: 'no' });
      expect(await cluster.settle(failure(casted))).toMatchObject({ code: 'deadline-exceeded', ran: 'no' });
      expect(cluster.now() - before).toBeGreaterThanOrEqual(3_000);
      expect(await cluster.settle(failure(caller.client(Task).$fanout.note('x', { timeoutMs: 1_000 })))).toMatchObject({
        code: 'deadline-exceeded',
        ran: 'no',
      });
      expect(ends(caller)).toEqual({ 'requests.deadline-exceeded': 3 });
    });

    it('from the start lets a fanout be withdrawn, and ends it with its node', async () => {
      const cluster = use();
      cluster.faults.outage();
      const caller = await cluster.node('caller');
      const stop = new AbortController();
      const withdrawn = failure(caller.client(Task).$fanout.note('x', { signal: stop.signal }));
      const abandoned = failure(caller.client(Task).$fanout.note('x'));
      await cluster.pass(100);
      stop.abort('enough');
      expect(await cluster.settle(withdrawn)).toMatchObject({ code: 'cancelled', ran: 'no' });
      await cluster.settle(caller.close());
      expect(await cluster.settle(abandoned)).toMatchObject({ code: 'closed', ran: 'no' });
    });

    it('later leaves what it said last to serve, and what it says after that counts again', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Task, tasks(cluster, 'server'));
      expect(await cluster.settle(client.who())).toBe('server');
      const notes: string[] = [];
      caller.tree$.subscribe(({ children }) => notes.push(children.find(({ path }) => path.endsWith('/directory'))?.note ?? ''));
      cluster.faults.outage();
      await cluster.pass(1_000);
      expect(notes.at(-1)).toBe('stale');
      expect(await cluster.settle(client.who())).toBe('server');
      cluster.faults.restore();
      await cluster.pass(40_000);
      expect(notes.at(-1)).toBe('current');
      expect(await cluster.settle(client.who())).toBe('server');
      expect(ends(caller)).toEqual({ 'requests.ok': 3 });
    });
  });

  describe('a caller with more links wanted than it may have', () => {
    it('reaches all its peers in turn', async () => {
      const cluster = use();
      const names = Array.from({ length: 12 }, (_, i) => `server-${String(i)}`);
      for (const name of names) await cluster.serve(await cluster.node(name), Task, tasks(cluster, name));
      const client = (await cluster.node('caller', { linksMax: 2 })).client(Task);
      const answers = names.flatMap((name) => [client.$on(name).slow(20), client.$on(name).who(), client.$on(name).slow(5)]);
      expect(await cluster.settle(Promise.all(answers))).toEqual(names.flatMap((name) => [name, name, name]));
    });

    it('goes on with a link that was to give way to one that is no longer wanted', async () => {
      const cluster = use();
      const one = await cluster.node('one');
      await cluster.serve(one, Task, tasks(cluster, 'one'));
      const other = await cluster.serve(await cluster.node('other'), Task, tasks(cluster, 'other'));
      const client = (await cluster.node('caller', { linksMax: 1 })).client(Task);
      const slow = Promise.resolve(client.$on('one').slow(300));
      await cluster.settle(client.$on('one').who());
      const unreached = failure(client.$on('other').who());
      await cluster.pass(10);
      await cluster.settle(other.close());
      expect((await cluster.settle(unreached)).ran).toBe('no');
      const behind = client.$on('one').who(undefined, { timeoutMs: 5_000 });
      expect(await cluster.settle(Promise.all([slow, behind]))).toEqual(['one', 'one']);
    });
  });

  describe('an idle node', () => {
    it('lets a cold link go, and opens it again when it is wanted', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Task, tasks(cluster, 'server'));
      const states: (string | undefined)[] = [];
      caller.peers$.subscribe((peers) => states.push(peers[0]?.why));
      await cluster.settle(client.who());
      await cluster.pass(120_000);
      expect(states.at(-1)).toContain('nothing to say');
      expect(await cluster.settle(client.who())).toBe('server');
    });
  });
};
