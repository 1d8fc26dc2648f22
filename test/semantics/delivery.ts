import { describe, expect, it } from 'vitest';
import { call, contract, type ServeOptions } from '../../lib/index.js';
import { type Cluster, counted, failureOf, type Part, Signal } from './cluster.js';

const Task = contract('task', '1', {
  who: call<undefined, string>(),
  /** Answers at once, or when the test says so. */
  do: call<'now' | 'later', string>(),
});

const oneAtOnce = (queue: number): ServeOptions<typeof Task> => ({ methods: { do: { concurrency: 1, queue } } });

/** Servers of these names, which can each be kept busy. */
const busyServers = async (cluster: Cluster, names: readonly string[], queue = 0) => {
  const nodes = await Promise.all(names.map((name) => cluster.node(name)));
  const release = new Signal();
  const serve = async (name: string) => {
    const started = new Signal();
    const served = await cluster.serve(
      nodes[names.indexOf(name)] as (typeof nodes)[number],
      Task,
      {
        who: () => name,
        do: async (when) => {
          if (when === 'later') {
            started.resolve();
            await release.promise;
          }
          return name;
        },
      },
      oneAtOnce(queue),
    );
    return { served, started: started.promise };
  };
  const caller = await cluster.node('caller');
  const client = caller.client(Task, { balance: 'round-robin' });
  /** Has the server do something until it is released. */
  const occupy = async (name: string, started: Promise<void>): Promise<{ readonly later: Promise<string> }> => {
    const later = Promise.resolve(client.$on(name).do('later'));
    await cluster.settle(started);
    return { later };
  };
  return { serve, caller, client, occupy, release };
};

/** Section 2: what becomes of a request that was not started where it came first. */
export const delivery: Part = (use, { virtualTime }) => {
  describe('a request that a server refuses before it starts', () => {
    it('goes to another one by itself where it is overloaded', async () => {
      const cluster = use();
      const { serve, caller, client, occupy, release } = await busyServers(cluster, ['a', 'b']);
      const { started } = await serve('a');
      await serve('b');
      const { later } = await occupy('a', started);
      for (let i = 0; i < 6; i += 1) expect(await cluster.settle(client.do('now'))).toBe('b');
      expect(counted(caller, 'deliveries.moved')).toBeGreaterThan(0);
      release.resolve();
      expect(await cluster.settle(later)).toBe('a');
    });

    it('goes to another one by itself where it is closed', async () => {
      const cluster = use();
      const { serve, caller, client, occupy, release } = await busyServers(cluster, ['a', 'b'], 100);
      const { served, started } = await serve('a');
      const { later } = await occupy('a', started);
      const { started: startedToo } = await serve('b');
      const { later: laterToo } = await occupy('b', startedToo);
      const waiting = Array.from({ length: 6 }, () => Promise.resolve(client.do('now')));
      await cluster.settle(Promise.all(['a', 'b'].map((name) => client.$on(name).who())));
      await cluster.settle(served.close());
      release.resolve();
      expect(new Set(await cluster.settle(Promise.all(waiting)))).toEqual(new Set(['b']));
      expect(counted(caller, 'deliveries.moved')).toBe(3);
      expect(await cluster.settle(Promise.all([later, laterToo]))).toEqual(['a', 'b']);
    });

    it('moves twice at most, then fails with what the last one said', async () => {
      const cluster = use();
      const names = ['a', 'b', 'c', 'd'];
      const { serve, caller, client, occupy, release } = await busyServers(cluster, names);
      const later: Promise<string>[] = [];
      for (const name of names) {
        const { started } = await serve(name);
        later.push((await occupy(name, started)).later);
      }
      expect(await failureOf('overloaded', cluster.settle(client.do('now')))).toMatchObject({ ran: 'no' });
      expect(counted(caller, 'deliveries.moved')).toBe(2);
      release.resolve();
      await cluster.settle(Promise.all(later));
    });

    it('never leaves a server that it was pinned to', async () => {
      const cluster = use();
      const { serve, caller, client, occupy, release } = await busyServers(cluster, ['a', 'b']);
      const { started } = await serve('a');
      await serve('b');
      const { later } = await occupy('a', started);
      await failureOf('overloaded', cluster.settle(client.$on('a').do('now')));
      expect(counted(caller, 'deliveries.moved')).toBe(0);
      release.resolve();
      await cluster.settle(later);
    });
  });

  if (virtualTime) {
    describe('retries', () => {
      it('ask an overloaded server again, after waits that grow, until it has room', async () => {
        const cluster = use();
        const { serve, caller, client, occupy, release } = await busyServers(cluster, ['a']);
        const { started } = await serve('a');
        const { later } = await occupy('a', started);
        const stubborn = Promise.resolve(client.do('now', { retries: 1_000 }));
        await cluster.pass(4_000);
        const repeated = counted(caller, 'deliveries.repeated');
        // At its longest a wait is 1 s, and the first few are short.
        expect(repeated).toBeGreaterThanOrEqual(4);
        expect(repeated).toBeLessThan(100);
        release.resolve();
        expect(await cluster.settle(Promise.all([later, stubborn]))).toEqual(['a', 'a']);
      });

      it('are as many as was asked for, then the last error counts', async () => {
        const cluster = use();
        const { serve, caller, client, occupy, release } = await busyServers(cluster, ['a']);
        const { started } = await serve('a');
        const { later } = await occupy('a', started);
        await failureOf('overloaded', cluster.settle(client.do('now', { retries: 3 })));
        expect(counted(caller, 'deliveries.repeated')).toBe(3);
        release.resolve();
        await cluster.settle(later);
      });

      it('never go on beyond the deadline', async () => {
        const cluster = use();
        const { serve, client, occupy, release } = await busyServers(cluster, ['a']);
        const { started } = await serve('a');
        const { later } = await occupy('a', started);
        const before = cluster.now();
        await failureOf('overloaded', cluster.settle(client.do('now', { retries: 1_000, timeoutMs: 2_000 })));
        expect(cluster.now() - before).toBeLessThanOrEqual(2_000);
        release.resolve();
        await cluster.settle(later);
      });

      it('end with their node, at once', async () => {
        const cluster = use();
        const { serve, caller, client, occupy, release } = await busyServers(cluster, ['a']);
        const { started } = await serve('a');
        const { later } = await occupy('a', started);
        later.catch(() => undefined);
        const paused = failureOf('closed', client.do('now', { retries: 1_000 }));
        await cluster.pass(1_000);
        const before = cluster.now();
        await cluster.settle(caller.close());
        expect(await cluster.settle(paused)).toMatchObject({ ran: 'no' });
        expect(cluster.now() - before).toBeLessThan(10);
        release.resolve();
      });
    });
  }
};
