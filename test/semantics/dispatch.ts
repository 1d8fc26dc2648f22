import { catchError, EMPTY, filter, firstValueFrom, mergeMap, NEVER, type Observable, range, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  call,
  cast,
  contract,
  type Handlers,
  type Method,
  type Registration,
  type Reply,
  type Shape,
  type Version,
} from '../../lib/index.js';
import { type Cluster, connect, ends, failureOf, type Part, Signal } from './cluster.js';

const methods = { who: call<undefined, string>(), note: cast() };
const versioned = (version: Version, namespace?: string) =>
  contract('versioned', version, methods, namespace === undefined ? {} : { namespace });

const serveAs = async ({ node, serve }: Cluster, name: string, version: Version, namespace?: string): Promise<void> => {
  await serve(await node(name), versioned(version, namespace), { who: () => name, note: () => undefined });
};

/** Methods of those names, which TypeScript is told to be few. */
const named = <N extends string>(names: readonly N[]) =>
  Object.fromEntries(names.map((name) => [name, call<undefined, string>()])) as Record<
    Exclude<N, 'then'>,
    Method<'call', Shape<undefined, string, undefined, never>>
  >;

/** Section 4: which server, which version, which method. */
export const dispatch: Part = (use, { shortMs, registers }) => {
  describe('versions', () => {
    it('fit where the major is the same and the server is not older', async () => {
      const cluster = use();
      await serveAs(cluster, 'server', '1.2.3');
      const caller = await cluster.node('caller', { noServerMs: 0 });
      for (const version of ['1', '1.0', '1.1', '1.1.9', '1.2', '1.2.0', '1.2.3'] as const) {
        expect(await cluster.settle(caller.client(versioned(version)).who())).toBe('server');
      }
      for (const version of ['0', '0.9', '1.2.4', '1.3', '2', '2.0'] as const) {
        const error = await failureOf('unsupported-version', cluster.settle(caller.client(versioned(version)).who()));
        expect(error).toMatchObject({ ran: 'no', details: { wanted: version, served: ['1.2.3'] } });
        const pinned = caller.client(versioned(version)).$on('server');
        await failureOf('unsupported-version', cluster.settle(pinned.who()));
        await failureOf('unsupported-version', cluster.settle(pinned.note()));
      }
    });

    it('that cannot be read are refused', () => {
      for (const version of ['', 'x', '1.', '1.x', '1.2.3.4', '01', '-1', '1e3', ' 1']) {
        expect(() => versioned(version as Version)).toThrow('invalid-argument');
      }
    });

    it('choose among the servers of a topic', async () => {
      const cluster = use();
      for (const [name, version] of [
        ['old', '1.0'],
        ['new', '1.4'],
        ['next', '2.0'],
      ] as const) {
        await serveAs(cluster, name, version);
      }
      const caller = await cluster.node('caller', { noServerMs: 0 });
      const ask = async (version: Version): Promise<Set<string>> =>
        new Set(
          await cluster.settle(
            Promise.all(Array.from({ length: 30 }, () => caller.client(versioned(version), { balance: 'round-robin' }).who())),
          ),
        );
      expect(await ask('1.3')).toEqual(new Set(['new']));
      expect(await ask('2.0')).toEqual(new Set(['next']));
      expect(await ask('1.0')).toEqual(new Set(['old', 'new']));
      const error = await failureOf('unsupported-version', cluster.settle(caller.client(versioned('3.0')).who()));
      expect([...error.details.served].sort()).toEqual(['1.0', '1.4', '2.0']);
    });

    it('are those of one namespace', async () => {
      const cluster = use();
      await serveAs(cluster, 'admin', '1.0', 'admin');
      const caller = await cluster.node('caller', { noServerMs: 0 });
      expect(await cluster.settle(caller.client(versioned('1.0', 'admin')).who())).toBe('admin');
      await failureOf('unsupported-version', cluster.settle(caller.client(versioned('1.0')).who()));
      await failureOf('unsupported-version', cluster.settle(caller.client(versioned('1.0', 'other')).who()));
    });
  });

  describe('methods', () => {
    it('that the contract does not list are not there', async () => {
      const cluster = use();
      const { caller } = await connect(cluster, versioned('1.0'), { who: () => 'server', note: () => undefined });
      const names = ['more', 'constructor', 'toString', 'hasOwnProperty', '__proto__', 'serve'] as const;
      const wider = contract('versioned', '1.0', named(names));
      const client = caller.client(wider);
      for (const name of Object.keys(wider.methods)) {
        expect(await failureOf('no-such-method', cluster.settle(client[name as 'more']()))).toMatchObject({
          ran: 'no',
          details: { method: name },
        });
      }
      expect(await cluster.settle(caller.client(versioned('1.0')).who())).toBe('server');
    });

    it('may have any name but those that Skein reserves', async () => {
      const cluster = use();
      const names = ['constructor', 'on', 'with', 'fanout', 'a b', '語', 'catch', ''] as const;
      const Odd = contract('odd', '1', named(names));
      const { client } = await connect(
        cluster,
        Odd,
        Object.fromEntries(names.map((name) => [name, () => `it is ${name}`])) as unknown as Handlers<typeof Odd>,
      );
      for (const name of names) expect(await cluster.settle(client[name as 'on']())).toBe(`it is ${name}`);
      for (const name of ['$ping', '$x', 'then']) {
        expect(() => contract('odd', '1', { [name]: call() } as never)).toThrow('reserved');
      }
    });

    it('have timeouts that are times', () => {
      for (const timeoutMs of [Number.NaN, -1]) {
        expect(() => contract('odd', '1', { slow: call({ timeoutMs }), fine: call({ timeoutMs: 0 }) })).toThrow(
          `timeoutMs of "slow" must be 0 or more, and is ${String(timeoutMs)}`,
        );
      }
    });

    it('have schemas that are some, and confirm what there is', () => {
      const odd = { input: 5, output: {}, confirm: 'maybe' } as never;
      expect(() => contract('odd', '1', { a: call(odd), b: cast(odd) }, { namespace: 5 as never })).toThrow(
        /namespace must be a string.*the input of "a".*the output of "a".*confirm of "b" must be accepted or done/,
      );
    });

    it('are of a version and a namespace that are texts', async () => {
      const caller = await use().node('caller');
      expect(() => contract('odd', 1 as never, {})).toThrow('"1" is not a version');
      expect(() => caller.client({ ...versioned('1.0'), version: 1 as never })).toThrow('"1" is not a version');
      expect(() => caller.client({ ...versioned('1.0'), namespace: 7 as never })).toThrow('namespace must be a string');
      await failureOf(
        'invalid-argument',
        caller.serve({ ...versioned('1.0'), version: 1 as never }, { who: () => '', note: () => undefined }),
      );
    });

    it('are told apart in each exchange, whatever the names', async () => {
      const cluster = use();
      const Spaced = contract('spaced', '1', named(['b c', 'c']));
      const node = await cluster.node('server');
      for (const exchange of ['a', 'a b']) {
        const at = (method: string) => () => `${method} at ${exchange}`;
        await cluster.serve(node, Spaced, { 'b c': at('b c'), c: at('c') }, { exchange });
      }
      const caller = await cluster.node('caller');
      expect(await cluster.settle(caller.client(Spaced, { exchange: 'a' })['b c']())).toBe('b c at a');
      expect(await cluster.settle(caller.client(Spaced, { exchange: 'a b' }).c())).toBe('c at a b');
    });

    it('need a handler each, and no others', async () => {
      const { node } = use();
      const server = await node('server');
      const error = await failureOf(
        'invalid-argument',
        server.serve(versioned('1'), { who: () => '', extra: () => '' } as never),
      );
      expect(error.message).toContain('versioned.note has no handler');
      expect(error.message).toContain('no method extra');
    });
  });

  describe('every server', () => {
    it('answers a ping by its name', async () => {
      const cluster = use();
      for (const name of ['a', 'b']) await serveAs(cluster, name, '1.0');
      const client = (await cluster.node('caller')).client(versioned('1.0'));
      expect(await cluster.settle(client.$on('a').$ping())).toEqual({ server: 'a' });
      expect(await cluster.settle(client.$on('b').$ping({ timeoutMs: 5_000 }))).toEqual({ server: 'b' });
      expect(['a', 'b']).toContain((await cluster.settle(client.$ping())).server);
    });

    it('describes itself, with what it has done', async () => {
      const cluster = use();
      let isBroken = false;
      const handlers = {
        who: () => {
          if (isBroken) throw new Error('broken');
          return 'server';
        },
        note: () => undefined,
      };
      const { client } = await connect(cluster, versioned('1.2', 'admin'), handlers);
      await cluster.settle(Promise.all([client.who(), client.who(), client.note()]));
      isBroken = true;
      await failureOf('remote-error', cluster.settle(client.who()));
      expect(await cluster.settle(client.$describe())).toEqual({
        contract: 'versioned',
        version: '1.2',
        namespace: 'admin',
        server: 'server',
        node: 'server',
        methods: {
          who: { verb: 'call', calls: 3, failures: 1 },
          note: { verb: 'cast', calls: 1, failures: 0 },
        },
      });
    });
  });

  describe('a node that is asked to drain', () => {
    it('answers with its name, and then takes no more work', async () => {
      const cluster = use();
      for (const name of ['a', 'b']) await serveAs(cluster, name, '1.0');
      const caller = await cluster.node('caller');
      const client = caller.client(versioned('1.0'));
      expect(await cluster.settle(client.$on('a').$drain())).toEqual({ node: 'a' });
      if (!registers) return;
      const isGone = (servers: readonly Registration[]) => servers.every(({ node }) => node !== 'a');
      const left = await cluster.settle(firstValueFrom(caller.servers$.pipe(filter(isGone))));
      expect(left.map(({ node }) => node)).toEqual(['b']);
      const here = Array.from({ length: 10 }, () => client.who());
      expect(new Set(await cluster.settle(Promise.all(here)))).toEqual(new Set(['b']));
    });

    it('refuses to where its operator forbids it', async () => {
      const cluster = use();
      const server = await cluster.node('a', { remoteDrain: false });
      await cluster.serve(server, versioned('1.0'), { who: () => 'a', note: () => undefined });
      const client = (await cluster.node('caller')).client(versioned('1.0')).$on('a');
      const error = await failureOf('forbidden', cluster.settle(client.$drain()));
      expect(error).toMatchObject({ ran: 'no', details: { rule: 'remoteDrain=false' } });
      expect((await cluster.settle(client.$ping())).server).toBe('a');
    });

    it('is named by one of its servers, and never chosen by the balance', async () => {
      const cluster = use();
      await serveAs(cluster, 'a', '1.0');
      const client = (await cluster.node('caller')).client(versioned('1.0'));
      expect(() => client.$drain()).toThrow(expect.objectContaining({ code: 'invalid-target' }) as Error);
    });
  });

  describe('balance', () => {
    const three = async (cluster: Cluster, who: (name: string) => () => Reply<string>) => {
      for (const name of ['a', 'b', 'c']) {
        await cluster.serve(await cluster.node(name), versioned('1.0'), { who: who(name), note: () => undefined });
      }
      return cluster.node('caller');
    };
    const tally = (names: readonly string[]) => ['a', 'b', 'c'].map((server) => names.filter((name) => name === server).length);

    it('round-robin gives each server its turn', async () => {
      const cluster = use();
      const client = (await three(cluster, (name) => () => name)).client(versioned('1.0'), { balance: 'round-robin' });
      const inTurn: string[] = [];
      for (let i = 0; i < 9; i += 1) inTurn.push(await cluster.settle(client.who()));
      expect(tally(inTurn)).toEqual([3, 3, 3]);
      expect(tally(await cluster.settle(Promise.all(Array.from({ length: 90 }, () => client.who()))))).toEqual([30, 30, 30]);
    });

    it('least-loaded spreads what takes time', async () => {
      const cluster = use();
      const held: string[] = [];
      const all = new Signal();
      const caller = await three(cluster, (name) => () => {
        if (held.push(name) === 90) all.resolve();
        return NEVER;
      });
      const client = caller.client(versioned('1.0'));
      const subscriptions = Array.from({ length: 90 }, () => client.who().subscribe({ error: () => undefined }));
      await cluster.settle(all.promise);
      for (const count of tally(held)) expect(count).toBeGreaterThan(20);
      for (const subscription of subscriptions) subscription.unsubscribe();
      expect(ends(caller)).toEqual({ 'requests.cancelled': 90 });
    });

    it('least-loaded spares who is slow', async () => {
      const cluster = use();
      const slow = async (name: string): Promise<string> => {
        await cluster.after(50);
        return name;
      };
      const client = (await three(cluster, (name) => () => (name === 'c' ? slow(name) : name))).client(versioned('1.0'));
      const asked$ = range(0, 200).pipe(
        mergeMap(() => client.who(), 5),
        toArray(),
      );
      const [a = 0, b = 0, c = 0] = tally(await cluster.settle(firstValueFrom(asked$)));
      expect(a + b + c).toBe(200);
      expect(c).toBeLessThan(Math.min(a, b) / 2);
    });

    it('least-loaded spares who does not answer at all', async () => {
      const cluster = use();
      const answer = async (name: string): Promise<string> => {
        await cluster.after(5);
        return name;
      };
      const asked: string[] = [];
      const client = (
        await three(cluster, (name) => () => {
          asked.push(name);
          return name === 'c' ? (NEVER as Observable<string>) : answer(name);
        })
      ).client(versioned('1.0'), { timeoutMs: shortMs });
      const asked$ = range(0, 100).pipe(
        mergeMap(() => client.who().pipe(catchError(() => EMPTY)), 5),
        toArray(),
      );
      await cluster.settle(firstValueFrom(asked$));
      const [a = 0, b = 0, c = 0] = tally(asked);
      expect(a + b + c).toBe(100);
      expect(c).toBeLessThan(Math.min(a, b) / 2);
    });
  });
};
