import { filter, firstValueFrom, from, NEVER, switchMap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type ActorStatus, call, cast, contract, type HandlerContext, type Interceptor } from '../../lib/index.js';
import { type Cluster, connect, failure, failureOf, type Part, Signal } from './cluster.js';

const Task = contract('task', '1', {
  who: call<undefined, string>(),
  wait: call<undefined, string>(),
  note: cast<string>(),
});

/** Handlers whose `wait` goes on until the test releases it. */
const waiting = (name = 'server') => {
  const [started, release] = [new Signal(), new Signal()];
  const notes: string[] = [];
  const handlers = {
    who: () => name,
    wait: async () => {
      started.resolve();
      await release.promise;
      return name;
    },
    note: (note: string) => notes.push(note),
  };
  return { handlers, started: started.promise, release, notes };
};

/** What an actor and all below it say of themselves. */
const notesOf = ({ note, children }: ActorStatus): readonly string[] => [note, ...children.flatMap(notesOf)];

/** A server that calls another one, once it is released. */
const connectThrough = async (cluster: Cluster) => {
  const { handlers, started, release } = waiting('back');
  const back = await cluster.node('back');
  await cluster.serve(back, contract('back', '1', Task.methods), handlers);
  const front = await cluster.node('front');
  const Back = contract('back', '1', Task.methods);
  await cluster.serve(front, Task, {
    ...handlers,
    wait: async (_: undefined, context: HandlerContext) => {
      await front.client(Back).$with(context).wait();
      return front.client(Back).$with(context).who();
    },
  });
  const caller = await cluster.node('caller');
  return { front, client: caller.client(Task), started, release };
};

/** Section 7: nodes and servers that leave in order. */
export const leaving: Part = (use, { registers, virtualTime }) => {
  describe('a node that drains', () => {
    it('finishes what it has accepted, with the calls that this makes in turn, then is closed', async () => {
      const cluster = use();
      const { front, client, started, release } = await connectThrough(cluster);
      const called = Promise.resolve(client.wait());
      await cluster.settle(started);
      const drained = front.drain();
      expect(await failureOf('closed', cluster.settle(front.client(Task).who()))).toMatchObject({ ran: 'no' });
      release.resolve();
      expect(await cluster.settle(called)).toBe('back');
      expect(await cluster.settle(drained)).toEqual({ unfinished: [] });
      await expect(front.serve(Task, waiting().handlers)).rejects.toMatchObject({ code: 'closed' });
    });

    it('waits for the answers to what it has sent', async () => {
      const cluster = use();
      const { handlers, started, release } = waiting();
      const { caller, client } = await connect(cluster, Task, handlers);
      const called = Promise.resolve(client.wait());
      await cluster.settle(started);
      const drained = caller.drain();
      release.resolve();
      expect(await cluster.settle(called)).toBe('server');
      expect(await cluster.settle(drained)).toEqual({ unfinished: [] });
    });

    it('waits for what its interceptors hold back', async () => {
      const cluster = use();
      const [holds, later] = [new Signal(), new Signal()];
      const hold: Interceptor = (request, next) => {
        holds.resolve();
        return from(later.promise).pipe(switchMap(() => next(request)));
      };
      const { handlers, notes, release } = waiting();
      const { caller, client } = await connect(cluster, Task, handlers, { caller: { interceptors: { client: [hold] } } });
      const called = Promise.resolve(client.wait());
      client.note('held');
      await cluster.settle(holds.promise);
      const drained = caller.drain();
      later.resolve();
      release.resolve();
      expect(await cluster.settle(called)).toBe('server');
      expect(await cluster.settle(drained)).toEqual({ unfinished: [] });
      expect(notes).toEqual(['held']);
    });

    it('names what its interceptors still hold', async () => {
      const cluster = use();
      const hold: Interceptor = (request, next) => (request.method === 'who' ? NEVER : next(request));
      const { handlers, started, release } = waiting();
      const { caller, client } = await connect(cluster, Task, handlers, { caller: { interceptors: { client: [hold] } } });
      const lost = Promise.all([failure(client.who()), failure(client.wait())]);
      await cluster.settle(started);
      expect((await cluster.settle(caller.drain({ timeoutMs: 10 }))).unfinished).toEqual([
        'waiting for task.wait of server',
        'held by an interceptor: task.who',
      ]);
      expect(await cluster.settle(lost)).toMatchObject([
        { code: 'closed', ran: 'no' },
        { code: 'closed', ran: 'unknown' },
      ]);
      release.resolve();
    });

    it('delivers the casts that it has just sent', async () => {
      const cluster = use();
      const { handlers, notes } = waiting();
      const { caller, client } = await connect(cluster, Task, handlers);
      const sent = Array.from({ length: 200 }, (_, i) => String(i));
      for (const note of sent) client.note(note);
      expect(await cluster.settle(caller.drain())).toEqual({ unfinished: [] });
      expect(notes).toEqual(sent);
    });

    it('tells who asked from elsewhere, and waits, as it ends', async () => {
      const cluster = use();
      const { handlers, started, release } = waiting();
      const { server, client } = await connect(cluster, Task, handlers);
      const ends: string[] = [];
      const called = Promise.resolve(client.wait()).finally(() => ends.push('called'));
      await cluster.settle(started);
      const isDraining$ = server.tree$.pipe(filter((tree) => notesOf(tree).includes('draining')));
      const begun = firstValueFrom(isDraining$);
      const drained = Promise.resolve(client.$on('server').$drain({ wait: true })).finally(() => ends.push('drained'));
      await cluster.settle(begun);
      release.resolve();
      expect(await cluster.settle(drained)).toEqual({ node: 'server', unfinished: [] });
      expect(await cluster.settle(called)).toBe('server');
      expect(ends).toEqual(['called', 'drained']);
    });

    if (virtualTime) {
      it('tells who waits from elsewhere what it could not finish in time', async () => {
        const cluster = use();
        const { handlers, started } = waiting();
        const { client } = await connect(cluster, Task, handlers);
        const lost = failure(client.wait());
        await cluster.settle(started);
        const { node, unfinished } = await cluster.settle(client.$on('server').$drain({ wait: true, timeoutMs: 60_000 }));
        expect({ node, unfinished }).toEqual({
          node: 'server',
          unfinished: [expect.stringMatching(/^at work on task\.wait of server, for /)],
        });
        expect(await cluster.settle(lost)).toMatchObject({ ran: 'unknown' });
      });
    }

    it('reports what it could not finish in time, on both sides', async () => {
      const cluster = use();
      const { handlers, started, release } = waiting();
      const { server, caller, client } = await connect(cluster, Task, handlers);
      const lost = failure(client.wait());
      await cluster.settle(started);
      const [there, here] = [server.drain({ timeoutMs: 30 }), caller.drain({ timeoutMs: 10 })];
      expect((await cluster.settle(here)).unfinished).toEqual(['waiting for task.wait of server']);
      expect((await cluster.settle(there)).unfinished.length).toBeLessThanOrEqual(1);
      expect(await cluster.settle(lost)).toMatchObject({ code: 'closed', ran: 'unknown' });
      release.resolve();
    });

    it('names what was at work and what was not started', async () => {
      const cluster = use();
      const { handlers, started, release } = waiting();
      const { server, client } = await connect(cluster, Task, handlers, {
        serve: { methods: { wait: { concurrency: 1, queue: 1 } } },
      });
      const lost = [failure(client.wait()), failure(client.wait())];
      await cluster.settle(started);
      await cluster.settle(client.who());
      expect(await cluster.settle(server.drain({ timeoutMs: 20 }))).toEqual({
        unfinished: ['at work on task.wait of server, for caller', 'not started: task.wait of server, for caller'],
      });
      release.resolve();
      await cluster.settle(Promise.all(lost));
    });

    it('gives one report to all who ask, and ends at once where it is closed meanwhile', async () => {
      const cluster = use();
      const { handlers, started, release } = waiting();
      const { server, client } = await connect(cluster, Task, handlers);
      const lost = failure(client.wait());
      await cluster.settle(started);
      const [first, second] = [server.drain(), server.drain({ timeoutMs: 1 })];
      await cluster.settle(server.close());
      expect(await cluster.settle(second)).toBe(await cluster.settle(first));
      expect(await cluster.settle(lost)).toMatchObject({ ran: 'unknown' });
      release.resolve();
    });

    it('is drained by disposing of it', async () => {
      const cluster = use();
      const { handlers, started, release } = waiting();
      const { server, client } = await connect(cluster, Task, handlers);
      const called = Promise.resolve(client.wait());
      await cluster.settle(started);
      const disposed = server[Symbol.asyncDispose]();
      release.resolve();
      expect(await cluster.settle(called)).toBe('server');
      await cluster.settle(disposed);
    });

    it('takes no time that is none', async () => {
      const cluster = use();
      const { server } = await connect(cluster, Task, waiting().handlers);
      await expect(server.drain({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'invalid-argument' });
      await expect(server.drain({ timeoutMs: NaN })).rejects.toMatchObject({ code: 'invalid-argument' });
      for (const odd of [null, 5, { timeoutMs: '5' }]) {
        await expect(server.drain(odd as never)).rejects.toMatchObject({ code: 'invalid-argument' });
      }
    });

    if (registers) {
      it('loses none of a steady stream of plain calls, which another one takes over', async () => {
        const cluster = use();
        const [a, b] = [await cluster.node('a'), await cluster.node('b')];
        await cluster.serve(a, Task, waiting('a').handlers);
        await cluster.serve(b, Task, waiting('b').handlers);
        const client = (await cluster.node('caller')).client(Task);
        const answers: Promise<string>[] = [];
        const send = (): void => void answers.push(Promise.resolve(client.who()));
        for (let i = 0; i < 50; i += 1) send();
        expect(new Set(await cluster.settle(Promise.all(answers)))).toEqual(new Set(['a', 'b']));
        let isDrained = false;
        const drained = a.drain().finally(() => (isDrained = true));
        while (!isDrained) {
          send();
          await cluster.pass(1);
        }
        expect(await cluster.settle(drained)).toEqual({ unfinished: [] });
        await cluster.settle(Promise.all(answers));
        expect(await cluster.settle(client.who())).toBe('b');
      });
    }
  });

  if (registers) {
    describe('a server that drains', () => {
      it('finishes what it has accepted, and leaves its node and the other servers alone', async () => {
        const cluster = use();
        const { handlers, started, release } = waiting();
        const { server, served, client } = await connect(cluster, Task, handlers);
        await cluster.serve(server, Task, waiting('other').handlers, { server: 'other' });
        const called = Promise.resolve(client.$on('server').wait());
        await cluster.settle(started);
        const drained = served.drain();
        release.resolve();
        expect(await cluster.settle(called)).toBe('server');
        expect(await cluster.settle(drained)).toEqual({ unfinished: [] });
        for (let i = 0; i < 5; i += 1) expect(await cluster.settle(client.who())).toBe('other');
      });

      it('says what it could not finish in time', async () => {
        const cluster = use();
        const { handlers, started, release } = waiting();
        const { served, client } = await connect(cluster, Task, handlers);
        const called = Promise.resolve(client.wait());
        await cluster.settle(started);
        expect(await cluster.settle(served.drain({ timeoutMs: 20 }))).toEqual({
          unfinished: ['at work on task.wait of server, for caller'],
        });
        // What was started goes on for as long as its node is there.
        release.resolve();
        expect(await cluster.settle(called)).toBe('server');
      });

      if (virtualTime) {
        it('makes room for another one of its name', async () => {
          const cluster = use();
          const { served, server, client } = await connect(cluster, Task, waiting('first').handlers);
          expect(await cluster.settle(client.$on('server').who())).toBe('first');
          await cluster.settle(served.drain());
          await cluster.serve(server, Task, waiting('second').handlers);
          expect(await cluster.settle(client.$on('server').who())).toBe('second');
        });
      }
    });
  }
};
