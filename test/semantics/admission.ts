import { filter, firstValueFrom, NEVER, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type ActorStatus, call, cast, contract, type Node, type Served, type ServeOptions } from '../../lib/index.js';
import { type Cluster, connect, counted, ends, failureOf, type Part, Signal } from './cluster.js';

const Press = contract('press', '1', {
  print: call<string, string>({ concurrency: 2, queue: 3 }),
  quick: call<undefined, string>(),
  note: cast<string>({ concurrency: 1, queue: 2 }),
});

/** Handlers that hold what they are given until they are released, and say how much they were given. */
const holding = () => {
  const begun: string[] = [];
  const release = new Signal();
  const waiters: { readonly count: number; readonly signal: Signal }[] = [];
  const print = async (page: string): Promise<string> => {
    begun.push(page);
    for (const { count, signal } of waiters) if (begun.length >= count) signal.resolve();
    await release.promise;
    return page;
  };
  const beginning = (count: number): Promise<void> => {
    const signal = new Signal();
    waiters.push({ count, signal });
    if (begun.length >= count) signal.resolve();
    return signal.promise;
  };
  return { begun, release, beginning, handlers: { print, quick: () => 'quick', note: print } };
};

const pages = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `page ${String(from + i)}`);

/** What the actor of the topic says of itself. */
const noteIn = (tree: ActorStatus, topic: string): string | undefined => {
  const find = (status: ActorStatus): ActorStatus | undefined =>
    status.path.endsWith(`/default/${topic}`) ? status : status.children.map(find).find((found) => found !== undefined);
  return find(tree)?.note;
};

const noteOf = async (node: Node, topic: string): Promise<string | undefined> => noteIn(await firstValueFrom(node.tree$), topic);

/** Sections 2, 4 and 5: how much a server takes on, and of whom. */
export const admission: Part = (use, { virtualTime, registers }) => {
  describe('a method', () => {
    it('has as many requests at work at once as it may, as many waiting, and refuses one more before it starts', async () => {
      const cluster = use();
      const { begun, release, beginning, handlers } = holding();
      const { server, caller, client } = await connect(cluster, Press, handlers);
      const taken = pages(1, 5).map((page) => Promise.resolve(client.print(page)));
      await cluster.settle(beginning(2));
      const refused = await failureOf('overloaded', cluster.settle(client.print('page 6')));
      expect(refused).toMatchObject({ ran: 'no', message: '[overloaded] more is waiting for press.print than may wait' });
      expect(begun).toEqual(pages(1, 2));
      release.resolve();
      expect(await cluster.settle(Promise.all(taken))).toEqual(pages(1, 5));
      expect(begun).toEqual(pages(1, 5));
      expect(counted(server, 'mailbox.full')).toBe(1);
      expect(ends(caller)).toEqual({ 'requests.ok': 5, 'requests.overloaded': 1 });
    });

    it('refuses a cast too much as it does a call', async () => {
      const cluster = use();
      const { release, handlers } = holding();
      const { client } = await connect(cluster, Press, handlers);
      await cluster.settle(Promise.all(pages(1, 3).map((page) => client.note(page))));
      expect(await failureOf('overloaded', cluster.settle(client.note('page 4')))).toMatchObject({ ran: 'no' });
      release.resolve();
    });

    it('delays no other one', async () => {
      const cluster = use();
      const { release, beginning, handlers } = holding();
      const { client } = await connect(cluster, Press, handlers);
      const taken = pages(1, 5).map((page) => Promise.resolve(client.print(page)));
      await cluster.settle(beginning(2));
      expect(await cluster.settle(client.quick())).toBe('quick');
      expect(await cluster.settle(client.$ping())).toEqual({ server: 'server' });
      expect((await cluster.settle(client.$describe())).methods.print).toMatchObject({ calls: 2 });
      release.resolve();
      await cluster.settle(Promise.all(taken));
    });

    it('delays no other one even where its callers want far more of it than it may do', async () => {
      const cluster = use();
      const Busy = contract('busy', '1', { slow: call<number, string>(), quick: call<undefined, string>() });
      const { client } = await connect(cluster, Busy, {
        slow: () => NEVER as Observable<string>,
        quick: () => 'quick',
      });
      const subscriptions = Array.from({ length: 1_500 }, (_, n) => client.slow(n).subscribe({ error: () => undefined }));
      expect(await cluster.settle(client.quick(undefined, { timeoutMs: 5_000 }))).toBe('quick');
      for (const subscription of subscriptions) subscription.unsubscribe();
    });

    it('takes on as much as its server says, where that says anything', async () => {
      const cluster = use();
      const { begun, release, beginning, handlers } = holding();
      const { client } = await connect(cluster, Press, handlers, {
        serve: { methods: { print: { concurrency: 4 }, note: { queue: 0 } } },
      });
      const taken = pages(1, 7).map((page) => Promise.resolve(client.print(page)));
      await cluster.settle(beginning(4));
      expect(begun).toEqual(pages(1, 4));
      await failureOf('overloaded', cluster.settle(client.print('page 8')));
      await cluster.settle(client.note('a'));
      await failureOf('overloaded', cluster.settle(client.note('b')));
      release.resolve();
      await cluster.settle(Promise.all(taken));
    });

    it('is not bounded by what is no bound', async () => {
      for (const concurrency of [0, -1, 1.5, Number.NaN]) {
        expect(() => contract('odd', '1', { a: call({ concurrency }), b: cast({ queue: concurrency - 1 }) })).toThrow(
          `concurrency of "a" must be a whole number of at least 1, and is ${String(concurrency)}`,
        );
      }
      expect(() => contract('odd', '1', { b: cast({ queue: -1 }) })).toThrow('queue of "b" must be a whole number of at least 0');
      const node = await use().node('server');
      const { handlers } = holding();
      // @ts-expect-error -- the contract has no such method
      const methods: ServeOptions<typeof Press>['methods'] = { print: { queue: 0.5 }, scan: { queue: 1 } };
      const error = await failureOf('invalid-argument', node.serve(Press, handlers, { ...(methods && { methods }) }));
      expect(error.message).toContain('queue of "print" must be a whole number of at least 0, and is 0.5');
      expect(error.message).toContain('the option methods names scan, and press has no such method');
    });

    it('shows in the status of its server how much waits', async () => {
      const cluster = use();
      const { release, beginning, handlers } = holding();
      const { server, client } = await connect(cluster, Press, handlers);
      const taken = pages(1, 4).map((page) => Promise.resolve(client.print(page)));
      await cluster.settle(beginning(2));
      await cluster.settle(client.quick());
      const mailboxes = (status: ActorStatus): unknown[] => [
        ...(status.path.endsWith('/press@server') ? [status.mailbox] : []),
        ...status.children.flatMap(mailboxes),
      ];
      expect(mailboxes(await firstValueFrom(server.tree$))).toMatchObject([{ depth: 2, max: 3 + 1_024 + 2 + 3 * 64 }]);
      release.resolve();
      await cluster.settle(Promise.all(taken));
    });

    it('gives a place of the caller who has most waiting to one who has less', async () => {
      const cluster = use();
      const { begun, release, beginning, handlers } = holding();
      const { client } = await connect(cluster, Press, handlers);
      const flood = pages(1, 5).map((page) => client.print(page).then(undefined, (error: unknown) => error));
      await cluster.settle(beginning(2));
      await cluster.settle(client.quick());
      const other = (await cluster.node('other')).client(Press);
      const own = Promise.resolve(other.print('own page'));
      expect(await cluster.settle(flood[4]!)).toMatchObject({ code: 'overloaded', ran: 'no' });
      release.resolve();
      expect(await cluster.settle(own)).toBe('own page');
      expect(await cluster.settle(Promise.all(flood.slice(0, 4)))).toEqual(pages(1, 4));
      // It had its turn behind the first of those that waited.
      expect(begun).toEqual(['page 1', 'page 2', 'page 3', 'own page', 'page 4']);
    });

    if (virtualTime) {
      it('tells whom it refuses how long what waits will take', async () => {
        const cluster = use();
        const Slow = contract('slow', '1', { step: call<number, number>({ concurrency: 2, queue: 10 }) });
        const step = async (n: number): Promise<number> => {
          await cluster.after(20);
          return n;
        };
        const { client } = await connect(cluster, Slow, { step });
        const send = (count: number) => Array.from({ length: count }, (_, n) => client.step(n).then(String, String));
        send(12);
        await cluster.pass(50);
        send(10);
        await cluster.pass(1);
        const error = await failureOf('overloaded', cluster.settle(client.step(0)));
        // Ten wait, two at once take 20 ms.
        expect(error.details.retryAfterMs).toBeGreaterThanOrEqual(90);
        expect(error.details.retryAfterMs).toBeLessThanOrEqual(130);
      });

      it('serves callers in turn, so that one who floods it keeps the others waiting for no more than twice as long', async () => {
        const cluster = use();
        const Work = contract('work', '1', { step: call<number, number>({ concurrency: 8 }) });
        const step = async (n: number): Promise<number> => {
          await cluster.after(5);
          return n;
        };
        await cluster.serve(await cluster.node('server'), Work, { step });
        const names = ['flood', 'a', 'b'] as const;
        const clients = await Promise.all(names.map(async (name) => (await cluster.node(name)).client(Work)));
        const oneByOne = async (client: (typeof clients)[number]): Promise<number[]> => {
          const taken: number[] = [];
          for (let i = 0; i < 100; i += 1) {
            const began = cluster.now();
            await client.step(i);
            taken.push(cluster.now() - began);
          }
          return taken;
        };
        const worstOf = async (): Promise<number> => {
          const taken = await cluster.settle(Promise.all(clients.slice(1).map(oneByOne)));
          return taken.flat().sort((x, y) => x - y)[197] ?? Infinity;
        };
        await cluster.settle(clients[1]!.step(0));
        await cluster.settle(clients[2]!.step(0));
        const before = await worstOf();
        let isOver = false;
        const again = (): void => {
          if (!isOver) clients[0]!.step(0).subscribe({ error: again, complete: again });
        };
        for (let i = 0; i < 10_000; i += 1) again();
        await cluster.pass(200);
        const flooded = await worstOf();
        isOver = true;
        expect(before).toBeGreaterThanOrEqual(5);
        expect(flooded / before).toBeLessThanOrEqual(2);
        await cluster.pass(20_000);
      });
    }
  });

  describe('balance hash', () => {
    const Where = contract('where', '1', { who: call<undefined, string>(), note: cast() });
    const spread = async (cluster: Cluster, names: readonly string[]) => {
      const served = new Map<string, Served>();
      for (const name of names) {
        const handlers = { who: () => name, note: () => undefined };
        served.set(name, await cluster.serve(await cluster.node(name), Where, handlers));
      }
      const caller = await cluster.node('caller');
      return { served, caller, client: caller.client(Where, { balance: 'hash' }) };
    };
    const keys = Array.from({ length: 40 }, (_, i) => `order ${String(i)}`);

    it('sends equal keys to the same server, whoever sends them', async () => {
      const cluster = use();
      const { client } = await spread(cluster, ['a', 'b', 'c']);
      const other = (await cluster.node('other')).client(Where, { balance: 'hash' });
      const ask = (from: typeof client) => cluster.settle(Promise.all(keys.map((key) => from.who(undefined, { key }))));
      const servers = await ask(client);
      expect(await ask(client)).toEqual(servers);
      expect(await ask(other)).toEqual(servers);
      expect(new Set(servers)).toEqual(new Set(['a', 'b', 'c']));
      const receipts = await cluster.settle(Promise.all(keys.map((key) => client.note(undefined, { key }))));
      expect(receipts.map(({ server }) => server)).toEqual(servers);
      const keyed = client.$with({ key: keys[0] });
      expect(await cluster.settle(Promise.all([keyed.who(), keyed.who()]))).toEqual([servers[0], servers[0]]);
    });

    if (registers) {
      it('moves the keys of a server that leaves, and no others', async () => {
        const cluster = use();
        const { served, caller, client } = await spread(cluster, ['a', 'b', 'c']);
        const ask = () => cluster.settle(Promise.all(keys.map((key) => client.who(undefined, { key }))));
        const before = await ask();
        await cluster.settle(served.get('b')!.close());
        await cluster.settle(firstValueFrom(caller.tree$.pipe(filter((tree) => noteIn(tree, 'where') === '2 servers'))));
        const after = await ask();
        expect(after).not.toContain('b');
        expect(after.filter((_, i) => before[i] !== 'b')).toEqual(before.filter((server) => server !== 'b'));
      });
    }

    it('needs a key, but for what is pinned or goes to all', async () => {
      const cluster = use();
      const { caller, client } = await spread(cluster, ['a']);
      for (const sent of [client.who(), client.note()] as PromiseLike<unknown>[]) {
        const error = await failureOf('invalid-argument', cluster.settle(sent));
        expect(error.message).toContain('give the request, or its client, the option key');
      }
      expect(await cluster.settle(client.$on('a').who())).toBe('a');
      expect(await cluster.settle(client.$fanout.note())).toMatchObject([{ server: 'a', ok: true }]);
      expect(await cluster.settle(client.$ping())).toEqual({ server: 'a' });
      expect(() => caller.client(Where, { balance: 'random' as never })).toThrow(
        'balance must be least-loaded, round-robin or hash',
      );
      expect(() => caller.client(Where, { key: 7 as never })).toThrow('key must be a string');
    });
  });

  if (virtualTime) {
    describe('a server that keeps failing', () => {
      const Task = contract('task', '1', { run: call<undefined, string>() });
      /** Servers of which some fail, and how often each was asked. */
      const some = async (cluster: Cluster, names: readonly string[]) => {
        const failing = new Set<string>();
        const asked = new Map<string, number>();
        for (const name of names) {
          const run = (): string => {
            asked.set(name, (asked.get(name) ?? 0) + 1);
            if (failing.has(name)) throw new Error('broken');
            return name;
          };
          await cluster.serve(await cluster.node(name), Task, { run });
        }
        const caller = await cluster.node('caller');
        const client = caller.client(Task, { balance: 'round-robin' });
        const askTimes = async (times: number): Promise<ReadonlyMap<string, number>> => {
          asked.clear();
          for (let i = 0; i < times; i += 1) await cluster.settle(client.run().then(String, String));
          return new Map(asked);
        };
        return { failing, caller, client, askTimes };
      };

      it('gets no new work for a second after five failures in a row', async () => {
        const cluster = use();
        const { failing, caller, askTimes } = await some(cluster, ['a', 'b']);
        failing.add('a');
        await askTimes(10);
        expect(await askTimes(20)).toEqual(new Map([['b', 20]]));
        expect(counted(caller, 'servers.ejected')).toBe(1);
        expect(await noteOf(caller, 'task')).toBe('2 servers, 1 ejected');
        failing.clear();
        await cluster.pass(1_000);
        const back = await askTimes(20);
        expect([back.get('a'), back.get('b')]).toEqual([10, 10]);
        expect(await noteOf(caller, 'task')).toBe('2 servers');
      });

      it('gets none for twice as long each time that it fails on its return', async () => {
        const cluster = use();
        const { failing, askTimes } = await some(cluster, ['a', 'b']);
        failing.add('a');
        await askTimes(10);
        for (const ms of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
          await cluster.pass(ms - 100);
          expect(await askTimes(4)).toEqual(new Map([['b', 4]]));
          await cluster.pass(100);
          expect((await askTimes(2)).get('a')).toBe(1);
        }
        failing.clear();
        await cluster.pass(30_000);
        await askTimes(2);
        failing.add('a');
        expect((await askTimes(20)).get('a')).toBe(5);
        await cluster.pass(1_000);
        expect((await askTimes(2)).get('a')).toBe(1);
      });

      it('gets what is pinned to it all the same', async () => {
        const cluster = use();
        const { failing, client, askTimes } = await some(cluster, ['a', 'b']);
        failing.add('a');
        await askTimes(10);
        failing.clear();
        expect(await cluster.settle(client.$on('a').run())).toBe('a');
        expect(await askTimes(4)).toEqual(new Map([['b', 4]]));
      });

      it('is one of at most half of them', async () => {
        const cluster = use();
        const { failing, caller, askTimes } = await some(cluster, ['a', 'b', 'c']);
        for (const name of ['a', 'b', 'c']) failing.add(name);
        const asked = await askTimes(100);
        expect(counted(caller, 'servers.ejected')).toBe(1);
        expect([...asked.values()].sort((x, y) => x - y)[1]).toBeGreaterThan(30);
      });

      it('is asked on where it is the only one', async () => {
        const { failing, caller, askTimes } = await some(use(), ['a']);
        failing.add('a');
        expect((await askTimes(20)).get('a')).toBe(20);
        expect(counted(caller, 'servers.ejected')).toBe(0);
      });

      it('is not one that refuses, nor one whose callers change their mind', async () => {
        const cluster = use();
        const Full = contract('full', '1', { wait: call<undefined, string>({ concurrency: 1, queue: 0 }) });
        for (const name of ['a', 'b']) {
          await cluster.serve(await cluster.node(name), Full, { wait: () => NEVER as Observable<string> });
        }
        const caller = await cluster.node('caller');
        const client = caller.client(Full, { balance: 'round-robin' });
        const held = [client.wait().subscribe(), client.wait().subscribe()];
        for (let i = 0; i < 20; i += 1) await failureOf('overloaded', cluster.settle(client.wait()));
        for (const subscription of held) subscription.unsubscribe();
        for (let i = 0; i < 20; i += 1) {
          const subscription = client.wait().subscribe();
          await cluster.pass(10);
          subscription.unsubscribe();
          await cluster.pass(10);
        }
        expect(counted(caller, 'servers.ejected')).toBe(0);
      });
    });
  }
};
