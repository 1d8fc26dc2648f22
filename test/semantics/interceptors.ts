import { catchError, concat, defer, EMPTY, from, map, mergeMap, NEVER, Observable, of, retry, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, contract, createNode, type ErrorCode, type Interceptor, type Ran, SkeinError } from '../../lib/index.js';
import { aborted, type Cluster, connect, counted, ends, failure, failureOf, type Part, Signal } from './cluster.js';

const Shop = contract('shop', '1', {
  buy: call<{ item: string }, string>(),
  hold: call<undefined, string>(),
  often: call<undefined, string>({ idempotent: true }),
  note: cast<string>(),
  sure: cast<string>({ confirm: 'done' }),
});

const forbid = (): never => {
  throw new SkeinError('forbidden', { rule: 'no entry' });
};

const fail = (): never => {
  throw new Error('odd');
};

/** Client interceptors that do not do what they should, and how a call ends then. */
const misbehaving: readonly (readonly [string, Interceptor, ErrorCode, Ran])[] = [
  ['throws', () => fail(), 'invalid-argument', 'no'],
  ['fails', () => throwError(() => new Error('odd')), 'invalid-argument', 'no'],
  ['returns no Observable', () => 7 as never, 'invalid-argument', 'no'],
  ['completes without a value', () => EMPTY, 'invalid-argument', 'no'],
  ['refuses', forbid, 'forbidden', 'no'],
  ['hands on no request', (_, next) => next(undefined as never), 'invalid-argument', 'no'],
  ['hands on a request without its context', ({ input }, next) => next({ input } as never), 'invalid-argument', 'no'],
  [
    'hands on a context of numbers',
    (request, next) => next({ ...request, context: { a: 5 } as never }),
    'invalid-argument',
    'no',
  ],
  ['never emits', () => NEVER, 'deadline-exceeded', 'no'],
];

/** Server interceptors that fail, and the name of the error that arrives. */
const failing: readonly (readonly [string, Interceptor, string])[] = [
  ['throw', () => fail(), 'Error'],
  ['return no Observable', () => 7 as never, 'TypeError'],
  ['hand on no request', (_, next) => next({} as never), 'SkeinError'],
  ['refuse behind the handler', (request, next) => next(request).pipe(map(forbid)), 'SkeinError'],
  ['are themselves refused', () => throwError(() => new SkeinError('no-server', { topic: 'x' })), 'SkeinError'],
];

/** A shop that notes what it sees, with interceptors at either side. */
const shop = async (
  cluster: Cluster,
  { client = [], server = [] }: { readonly client?: readonly Interceptor[]; readonly server?: readonly Interceptor[] },
  hold: () => Observable<string> = () => NEVER,
) => {
  const seen: unknown[] = [];
  const handlers = {
    buy: ({ item }: { item: string }, { context }: { context: object }) => {
      seen.push([item, context]);
      if (item === 'nothing') throw new RangeError('sold out');
      return `a ${item}`;
    },
    hold,
    often: hold,
    note: (text: string) => void seen.push(text),
    sure: (text: string) => {
      seen.push(text);
      if (text === 'bad') throw new RangeError('bad note');
    },
  };
  const made = await connect(cluster, Shop, handlers, {
    server: { interceptors: { server } },
    caller: { interceptors: { client } },
  });
  return { ...made, seen };
};

/** Writes down who was there, on the way in and on the way out. */
const logging =
  (name: string, lines: string[]): Interceptor =>
  (request, next) => {
    lines.push(`${name} in: ${request.contract}.${request.method} ${JSON.stringify(request.input)}`);
    return next(request).pipe(
      map((reply) => {
        lines.push(`${name} out: ${String(reply)}`);
        return reply;
      }),
    );
  };

const isPatient: Interceptor = (request, next) => next(request).pipe(retry(3));

/** Section 2 and 5: what stands around requests. */
export const interceptors: Part = (use, { shortMs }) => {
  describe('interceptors of a client', () => {
    it('see each request that leaves, the first one outermost', async () => {
      const cluster = use();
      const lines: string[] = [];
      const { client } = await shop(cluster, { client: [logging('one', lines), logging('two', lines)] });
      expect(lines).toEqual([]);
      expect(await cluster.settle(client.buy({ item: 'hat' }))).toBe('a hat');
      expect(lines).toEqual([
        'one in: shop.buy {"item":"hat"}',
        'two in: shop.buy {"item":"hat"}',
        'two out: a hat',
        'one out: a hat',
      ]);
      await cluster.settle(client.$ping());
      expect(lines[4]).toBe('one in: shop.$ping undefined');
    });

    it('may change what is sent, and what comes back', async () => {
      const cluster = use();
      const change: Interceptor = (request, next) =>
        next({ ...request, input: { item: 'cap' }, context: { ...request.context, user: 'Ada' } }).pipe(
          map((reply) => `${String(reply)}!`),
        );
      const { client, seen } = await shop(cluster, { client: [change] });
      expect(await cluster.settle(client.buy({ item: 'hat' }, { context: { trace: '7' } }))).toBe('a cap!');
      expect(seen).toEqual([['cap', { trace: '7', user: 'Ada' }]]);
    });

    it('may answer by themselves, so that nothing is sent', async () => {
      const cluster = use();
      const { client, caller, seen } = await shop(cluster, { client: [() => of('from the cache')] });
      expect(await cluster.settle(client.buy({ item: 'hat' }))).toBe('from the cache');
      expect(seen).toEqual([]);
      expect(ends(caller)).toEqual({ 'requests.ok': 1 });
    });

    it('may turn an error into a value', async () => {
      const cluster = use();
      const consoled: Interceptor = (request, next) => next(request).pipe(catchError((error: unknown) => of(String(error))));
      const { client } = await shop(cluster, { client: [consoled] });
      expect(await cluster.settle(client.buy({ item: 'nothing' }))).toBe('SkeinError: [remote-error] RangeError: sold out');
    });

    it('may send again by subscribing again', async () => {
      const cluster = use();
      let tries = 0;
      const { client, caller } = await shop(cluster, { client: [isPatient] }, () =>
        defer(() => ((tries += 1) < 3 ? throwError(() => new Error('not yet')) : of('at last'))),
      );
      expect(await cluster.settle(client.hold())).toBe('at last');
      expect(tries).toBe(3);
      expect(ends(caller)).toEqual({ 'requests.remote-error': 2, 'requests.ok': 1 });
    });

    it('send nothing again after an outcome that is unknown, unless the method is idempotent', async () => {
      const cluster = use();
      const started = new Signal();
      const { client, caller, server } = await shop(cluster, { client: [isPatient] }, () => (started.resolve(), NEVER));
      const failed = failure(client.hold());
      await cluster.settle(started.promise);
      await cluster.settle(server.close());
      expect(await cluster.settle(failed)).toMatchObject({ ran: 'unknown' });
      expect(Object.values(ends(caller))).toEqual([1]);
    });

    it('may send an idempotent one again, by its own id', async () => {
      const cluster = use();
      const ids: string[] = [];
      const Often = contract('often', '1', { often: call<undefined, string>({ idempotent: true }) });
      for (const name of ['a', 'b']) {
        const node = await cluster.node(name);
        await cluster.serve(node, Often, {
          often: (_, { id }) => {
            ids.push(id);
            if (ids.length > 1) return name;
            void node.close();
            return NEVER;
          },
        });
      }
      const caller = await cluster.node('caller', { interceptors: { client: [isPatient] } });
      expect(['a', 'b']).toContain(await cluster.settle(caller.client(Often).often()));
      expect(ids).toHaveLength(2);
      expect(ids[1]).toBe(ids[0]);
    });

    it('stand around casts, which are confirmed when they complete', async () => {
      const cluster = use();
      const lines: string[] = [];
      const stamp: Interceptor = (request, next) => {
        lines.push(request.method);
        return next({ ...request, input: `${String(request.input)}, stamped` });
      };
      const { client, seen } = await shop(cluster, { client: [stamp] });
      expect(await cluster.settle(client.note('a'))).toEqual({ state: 'accepted', server: 'server' });
      expect(await cluster.settle(client.sure('b'))).toEqual({ state: 'done', server: 'server' });
      expect(seen).toEqual(['a, stamped', 'b, stamped']);
      expect(lines).toEqual(['note', 'sure']);
      const outcomes = await cluster.settle(client.$fanout.note('c'));
      expect(outcomes).toMatchObject([{ server: 'server', ok: true }]);
      expect(seen[2]).toBe('c, stamped');
    });

    it('may end a cast by themselves, which no server has confirmed then', async () => {
      const cluster = use();
      const { client, caller, seen } = await shop(cluster, { client: [({ input }) => (input === 'no' ? forbid() : EMPTY)] });
      expect(await cluster.settle(client.note('a'))).toEqual({ state: 'accepted', server: '' });
      expect(await cluster.settle(client.sure('a'))).toEqual({ state: 'done', server: '' });
      expect(await failureOf('forbidden', cluster.settle(client.note('no')))).toMatchObject({ ran: 'no' });
      expect(seen).toEqual([]);
      expect(ends(caller)).toEqual({ 'requests.ok': 2, 'requests.forbidden': 1 });
    });

    it('see how a cast fails, and may forgive it', async () => {
      const cluster = use();
      const seen: string[] = [];
      const forgive: Interceptor = (request, next) =>
        next(request).pipe(
          catchError((error: unknown) => {
            seen.push(String(error));
            return request.context.forgive === 'yes' ? EMPTY : throwError(() => error);
          }),
        );
      const { client, caller } = await shop(cluster, { client: [forgive] });
      await failureOf('remote-error', cluster.settle(client.sure('bad')));
      const context = { forgive: 'yes' };
      expect(await cluster.settle(client.sure('bad', { context }))).toEqual({ state: 'done', server: '' });
      expect(seen).toHaveLength(2);
      const told = new Signal<unknown>();
      caller.undeliverable$.subscribe((failed) => told.resolve(failed));
      client.sure('bad');
      expect(await cluster.settle(told.promise)).toMatchObject({ topic: 'shop', method: 'sure', server: 'server' });
    });

    it.each(misbehaving)('that %s end a call with a typed error', async (...[, intercept, code, ran]) => {
      const cluster = use();
      const { client, seen, caller } = await shop(cluster, { client: [intercept] });
      expect(await failureOf(code, cluster.settle(client.buy({ item: 'hat' }, { timeoutMs: shortMs })))).toMatchObject({ ran });
      expect(seen).toEqual([]);
      expect(ends(caller)).toEqual({ [`requests.${code}`]: 1 });
    });

    it('that hand on what is no request harm no other request', async () => {
      const cluster = use();
      const spoil: Interceptor = (request, next) =>
        next(request.method === 'hold' ? request : { ...request, context: undefined as never });
      const { client, seen } = await shop(cluster, { client: [spoil] }, () => from(cluster.after(20)).pipe(map(() => 'held')));
      const held = client.hold();
      const answer = cluster.settle(held);
      expect(await failure(cluster.settle(client.buy({ item: 'hat' })))).toMatchObject({ code: 'invalid-argument', ran: 'no' });
      expect(await failure(cluster.settle(client.note('hat')))).toMatchObject({ code: 'invalid-argument', ran: 'no' });
      expect(await answer).toBe('held');
      expect(seen).toEqual([]);
    });

    it('that fail once the answer is there say that the work ran', async () => {
      const cluster = use();
      const spoil: Interceptor = (request, next) => next(request).pipe(map(() => fail()));
      const { client, seen } = await shop(cluster, { client: [spoil] });
      const error = await failureOf('invalid-argument', cluster.settle(client.buy({ item: 'hat' })));
      expect(error).toMatchObject({ ran: 'yes', cause: new Error('odd') });
      expect(seen).toHaveLength(1);
    });

    it('that give more than one value give the first', async () => {
      const cluster = use();
      const twice: Interceptor = (request, next) => concat(next(request), next(request), of('more'));
      const { client, seen } = await shop(cluster, { client: [twice] });
      expect(await cluster.settle(client.buy({ item: 'hat' }))).toBe('a hat');
      expect(seen).toHaveLength(1);
    });

    it('that try for ever end with the deadline, or with their caller', async () => {
      const cluster = use();
      const forever: Interceptor = (request, next) => next(request).pipe(retry());
      const { client } = await shop(cluster, { client: [forever] });
      await failureOf('deadline-exceeded', cluster.settle(client.hold(undefined, { timeoutMs: shortMs })));
      const stop = new AbortController();
      const failed = failureOf('cancelled', client.hold(undefined, { signal: stop.signal }));
      await cluster.settle(cluster.after(20));
      stop.abort('enough');
      expect((await cluster.settle(failed)).details.reason).toBe('enough');
    });

    it('that hold a request back let it go with its caller', async () => {
      const cluster = use();
      const stop = new AbortController();
      const { client, caller } = await shop(cluster, { client: [() => NEVER] });
      const failed = failureOf('cancelled', client.hold(undefined, { signal: stop.signal }));
      const cast = failureOf('cancelled', client.note('a', { signal: stop.signal }));
      stop.abort('enough');
      expect([await cluster.settle(failed), await cluster.settle(cast)]).toMatchObject([{ ran: 'no' }, { ran: 'no' }]);
      client.hold().subscribe().unsubscribe();
      expect(ends(caller)).toEqual({ 'requests.cancelled': 3 });
    });

    it('cancel on the server what they let go of', async () => {
      const cluster = use();
      const [started, stopped] = [new Signal(), new Signal<unknown>()];
      const Held = contract('held', '1', { hold: call<undefined, string>() });
      const { client } = await connect(
        cluster,
        Held,
        {
          hold: (_, { signal }) => {
            started.resolve();
            void aborted(signal).then((reason) => stopped.resolve(reason));
            return NEVER;
          },
        },
        { caller: { interceptors: { client: [(request, next) => next(request)] } } },
      );
      const subscription = client.hold().subscribe();
      await cluster.settle(started.promise);
      subscription.unsubscribe();
      expect(await cluster.settle(stopped.promise)).toMatchObject({ code: 'cancelled' });
    });
  });

  describe('interceptors of a server', () => {
    it('see each request that arrives, the first one outermost', async () => {
      const cluster = use();
      const lines: string[] = [];
      const { client } = await shop(cluster, { server: [logging('one', lines), logging('two', lines)] });
      expect(await cluster.settle(client.buy({ item: 'hat' }))).toBe('a hat');
      expect(lines).toEqual([
        'one in: shop.buy {"item":"hat"}',
        'two in: shop.buy {"item":"hat"}',
        'two out: a hat',
        'one out: a hat',
      ]);
      await cluster.settle(client.sure('b'));
      await cluster.settle(client.$ping());
      expect(lines.filter((line) => line.startsWith('one in'))).toHaveLength(3);
    });

    it('may refuse a request, which then has not run', async () => {
      const cluster = use();
      const guard: Interceptor = (request, next) => (request.context.user === 'Ada' ? next(request) : forbid());
      const { client, server, seen } = await shop(cluster, { server: [guard] });
      for (const sent of [
        () => client.buy({ item: 'hat' }),
        () => client.sure('a'),
        () => client.$ping(),
      ] as (() => PromiseLike<unknown>)[]) {
        const error = await failureOf('forbidden', cluster.settle(sent()));
        expect(error).toMatchObject({ ran: 'no', details: { rule: 'no entry' }, message: '[forbidden] forbidden by no entry' });
      }
      expect(seen).toEqual([]);
      expect(await cluster.settle(client.buy({ item: 'hat' }, { context: { user: 'Ada' } }))).toBe('a hat');
      expect(counted(server, 'handlers.refused')).toBe(3);
      expect(counted(server, 'handlers.failed')).toBe(0);
      expect(cluster.lines.filter(({ level }) => level === 'error')).toEqual([]);
    });

    it.each(['unauthenticated', 'overloaded'] as const)('may refuse it as %s', async (code) => {
      const cluster = use();
      const refuse: Interceptor = () => throwError(() => new SkeinError(code, { peer: 'x' }));
      const { client } = await shop(cluster, { server: [refuse] });
      expect(await failureOf(code, cluster.settle(client.buy({ item: 'hat' })))).toMatchObject({ ran: 'no' });
    });

    it('may change what the handler sees, and what comes of it', async () => {
      const cluster = use();
      const change: Interceptor = (request, next) =>
        next({ ...request, input: { item: 'cap' }, context: { user: 'Grace' } }).pipe(
          map((reply) => `${String(reply)}!`),
          catchError((error: unknown) => of(`sorry: ${String(error)}`)),
        );
      const { client, seen } = await shop(cluster, { server: [change] });
      expect(await cluster.settle(client.buy({ item: 'hat' }, { context: { user: 'Ada' } }))).toBe('a cap!');
      expect(seen).toEqual([['cap', { user: 'Grace' }]]);
    });

    it.each(failing)('that %s fail like a handler', async (...[, intercept, name]) => {
      const cluster = use();
      const { client, server } = await shop(cluster, { server: [intercept] });
      const error = await failureOf('remote-error', cluster.settle(client.buy({ item: 'hat' })));
      expect(error).toMatchObject({ ran: 'yes', details: { name } });
      expect(counted(server, 'handlers.failed')).toBe(1);
    });

    it('run where the handler does: its context, its deadline and its cancellation are theirs too', async () => {
      const cluster = use();
      const Outer = contract('outer', '1', { ask: call<undefined, unknown>() });
      const Inner = contract('inner', '1', { tell: call<undefined, unknown>() });
      await cluster.serve(await cluster.node('inner'), Inner, { tell: (_, { context, deadline }) => ({ context, deadline }) });
      const told: unknown[] = [];
      const waits: Interceptor = (request, next) =>
        request.contract === 'outer'
          ? defer(() => inner.tell()).pipe(
              mergeMap((reply) => {
                told.push(reply);
                return defer(() => cluster.after(5)).pipe(
                  mergeMap(() => next({ ...request, context: { ...request.context, by: 'interceptor' } })),
                );
              }),
            )
          : next(request);
      const server = await cluster.node('outer', { interceptors: { server: [waits] } });
      const inner = server.client(Inner);
      await cluster.serve(server, Outer, { ask: () => inner.tell() });
      const caller = await cluster.node('caller');
      const deadline = cluster.now() + 10_000;
      const reply = await cluster.settle(caller.client(Outer).ask(undefined, { context: { user: 'Ada' }, deadline }));
      expect(told).toMatchObject([{ context: { user: 'Ada' } }]);
      expect(reply).toMatchObject({ context: { user: 'Ada', by: 'interceptor' } });
      for (const { deadline: inherited } of [told[0], reply] as { readonly deadline: number }[]) {
        expect(inherited).toBeLessThanOrEqual(deadline + 100);
      }
    });

    it('that never emit end with the deadline, and what they had going is let go', async () => {
      const cluster = use();
      const stopped = new Signal();
      const endless: Interceptor = () => new Observable(() => () => stopped.resolve());
      const { client, seen } = await shop(cluster, { server: [endless] });
      await failureOf('deadline-exceeded', cluster.settle(client.buy({ item: 'hat' }, { timeoutMs: shortMs })));
      await cluster.settle(stopped.promise);
      expect(seen).toEqual([]);
    });

    it('that give more than one value give the first, and none at all is null', async () => {
      const cluster = use();
      const odd: Interceptor = (request, next) =>
        (request.input as { item: string }).item === 'hat' ? concat(next(request), of('more')) : EMPTY;
      const { client } = await shop(cluster, { server: [odd] });
      expect(await cluster.settle(client.buy({ item: 'hat' }))).toBe('a hat');
      expect(await cluster.settle(client.buy({ item: 'cap' }))).toBeNull();
    });

    it('leave what a handler itself is refused an error of that handler', async () => {
      const cluster = use();
      const { client } = await shop(cluster, { server: [(request, next) => next(request)] }, () => forbid());
      const error = await failureOf('remote-error', cluster.settle(client.hold()));
      expect(error.details).toMatchObject({ name: 'SkeinError', code: 'forbidden' });
    });
  });

  describe('interceptors', () => {
    it('are functions, at the client or the server', async () => {
      for (const [interceptors, problem] of [
        [[], 'interceptors must be { client: […], server: […] }'],
        [
          { client: [7], server: () => NEVER },
          'interceptors.client must be a list of functions; interceptors.server must be a list of functions',
        ],
        [{ clients: [] }, 'interceptors are of client and server, not of clients'],
      ] as const) {
        const error = await failureOf('invalid-argument', createNode('zmq+memory://x', { interceptors: interceptors as never }));
        expect(error.message).toContain(problem);
      }
    });

    it('are those that the node was made with', async () => {
      const cluster = use();
      const client: Interceptor[] = [];
      const caller = await cluster.node('late', { interceptors: { client } });
      client.push(() => of('too late'));
      await shop(cluster, {});
      expect(await cluster.settle(caller.client(Shop).buy({ item: 'hat' }))).toBe('a hat');
    });
  });
};
