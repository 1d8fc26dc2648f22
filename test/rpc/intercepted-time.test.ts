import { setTimeout as sleep } from 'node:timers/promises';
import {
  catchError,
  concat,
  concatMap,
  config,
  concatWith,
  defer,
  delay,
  finalize,
  firstValueFrom,
  forkJoin,
  from,
  interval,
  lastValueFrom,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  reduce,
  retry,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  call,
  cast,
  channel,
  type Client,
  contract,
  createNode,
  type Handlers,
  type Interceptor,
  type Node,
  sink,
  type SkeinError,
  stream,
  type StreamOptions,
} from '../../lib/index.js';
import { simulate } from '../../lib/testing.js';

const Numbers = contract('numbers', '1', {
  ten: stream<undefined, number>(),
  endless: stream<undefined, number>(),
  never: stream<undefined, number>(),
  fails: stream<undefined, number>(),
  sum: sink<number, number>(),
  back: channel<number, number>(),
  wait: call<number, number>(),
  soon: call<number, number>(),
  note: cast<number>(),
});

const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const forever = async function* () {
  for (let n = 0; ; n += 1) {
    yield n;
    await sleep(50);
  }
};

const handlers: Handlers<typeof Numbers> = {
  ten: () => digits,
  endless: forever,
  fails: () => {
    throw new Error('broken');
  },
  never: () => new Promise<never>(() => undefined),
  sum: async (item$) => {
    let sum = 0;
    for await (const item of item$) sum += item;
    return sum;
  },
  back: (item$) => item$,
  wait: () => new Promise<never>(() => undefined),
  soon: (n) => n,
  note: () => undefined,
};

const serve = (node: Node) => node.serve(Numbers, handlers);

const pass: Interceptor = (request, next) => next(request);
const hold: Interceptor = (request, next) => (request.method.startsWith('$') ? next(request) : NEVER);
const slow: Interceptor = (request, next) => timer(500).pipe(switchMap(() => next(request)));
const paced: Interceptor = (request, next) => next(request).pipe(concatMap((item) => timer(50).pipe(map(() => item))));
const again: Interceptor = (request, next) => next(request).pipe(retry({ count: 3, delay: 2_000 }));
const swallow: Interceptor = (request, next) => next(request).pipe(catchError(() => NEVER));
const few: Interceptor = (request, next) => next(request).pipe(take(5), concatWith(NEVER));

type Api = Client<typeof Numbers>;
interface Around {
  readonly server?: Interceptor[];
  readonly client?: Interceptor[];
}

/** How it ends with those interceptors, by its code or its values, and after how many ms. */
const ending = async (
  { server = [], client = [] }: Around,
  open: (api: Api, nowMs: number) => Observable<unknown>,
): Promise<{ readonly how: unknown; readonly ms: number }> => {
  let ended = { how: undefined as unknown, ms: 0 };
  await simulate({ seed: 1 }, async ({ node, clock }) => {
    node('a', serve, { interceptors: { server } });
    const api = node('api', undefined, { interceptors: { client } }).client(Numbers);
    await api.$ping();
    const startedAt = clock.now();
    const how = await lastValueFrom(open(api, startedAt).pipe(toArray())).catch((error: unknown) => (error as SkeinError).code);
    ended = { how, ms: clock.now() - startedAt };
  });
  return ended;
};

const methods: readonly (readonly [name: string, open: (api: Api, options: StreamOptions) => Observable<unknown>])[] = [
  ['stream', (api, options) => api.endless(undefined, options)],
  ['sink', (api, options) => api.sum(forever(), options)],
  ['channel', (api, options) => api.back(forever(), options)],
];

/** A deadline may be late by its wheel's tick, and one more behind interceptors. */
const late = (ms: number) => ({
  how: 'deadline-exceeded',
  ms: expect.toSatisfy((took: number) => took >= ms && took <= ms + 20) as number,
});

describe.each(methods)('the opening of a %s behind an interceptor of its server', (_, open) => {
  it.each([
    ['holds it', hold],
    ['takes its time', slow],
  ])('is bounded by timeoutMs where that %s', async (_name, server) => {
    expect(await ending({ server: [server] }, (api) => open(api, { timeoutMs: 200 }))).toEqual(late(200));
  });

  it.each([
    ['holds it', hold],
    ['takes its time', slow],
  ])('is not bounded by silenceMs where that %s', async (_name, server) => {
    expect(await ending({ server: [server] }, (api) => open(api, { timeoutMs: 300, silenceMs: 20 }))).toEqual(late(300));
  });
});

describe('a stream whose handler does not begin', () => {
  it.each([
    ['no interceptor', [], {}],
    ['an interceptor', [pass], {}],
    ['a watch for silence', [], { silenceMs: 20 }],
    ['an interceptor and a watch for silence', [pass], { silenceMs: 20 }],
  ])('ends at its timeoutMs with %s', async (_, server, options) => {
    expect(await ending({ server }, (api) => api.never(undefined, { timeoutMs: 200, ...options }))).toEqual(late(200));
  });
});

describe.each([
  ['tries again later', again],
  ['waits for ever once something has gone wrong', swallow],
  ['waits for ever behind a few values', few],
])('a request behind an interceptor of its client that %s', (_, client) => {
  it.each(methods)('ends at its deadline as a %s', async (_name, open) => {
    for (const timeoutMs of [100, 5_000]) {
      const around = { client: [client] };
      expect(await ending(around, (api, now) => open(api, { timeoutMs, deadline: now + 1_000 }))).toEqual(late(1_000));
    }
  });
});

describe('a request that interceptors of its client hold', () => {
  it.each<readonly [string, Interceptor, string]>([
    ['before it is sent', hold, 'no'],
    ['once it has failed', swallow, 'unknown'],
    ['and try again at once', (request, next) => next(request).pipe(retry()), 'unknown'],
  ])('%s ends as its node is closed', async (_, interceptor, ran) => {
    const url = `zmq+memory://closing-${String(Math.random())}`;
    await using server = await createNode(url);
    const client = await createNode(url, { interceptors: { client: [interceptor] } });
    await serve(server);
    const api = client.client(Numbers);
    await api.$ping();
    const endings = [api.never(), api.sum(forever()), api.wait(1)].map((request$: Observable<unknown>) =>
      lastValueFrom(request$).catch((error: unknown) => error),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    await client.close();
    const closed = { code: 'closed', ran };
    expect(await Promise.all(endings)).toMatchObject([closed, closed, closed]);
  });
});

describe('requests that wait for a server behind an interceptor that tries again at once', () => {
  it('end as their node is closed', async () => {
    const client = await createNode(`zmq+memory://waiting-${String(Math.random())}`, {
      interceptors: { client: [(request, next) => next(request).pipe(retry())] },
    });
    const api = client.client(Numbers);
    const endings = [api.endless(), api.sum(forever()), api.wait(1), api.back([1])].map((request$: Observable<unknown>) =>
      lastValueFrom(request$).catch((error: unknown) => error),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    await client.close();
    for (const error of await Promise.all(endings)) expect(error).toMatchObject({ code: 'closed', ran: 'no' });
  });
});

describe('a request behind an interceptor of its client', () => {
  /** Two nodes of one process, and what is told of a request of the one with that interceptor. */
  const between = async (interceptor: Interceptor) => {
    const url = `zmq+memory://between-${String(Math.random())}`;
    const server = await createNode(url);
    await serve(server);
    const caller = await createNode(url, { interceptors: { client: [interceptor] } });
    const close = async (): Promise<void> => {
      await Promise.all([caller.close(), server.close()]);
    };
    return { caller, api: caller.client(Numbers), close };
  };

  const requestsOf = (node: Node) => Object.fromEntries([...node.counters()].filter(([name]) => name.startsWith('requests.')));

  it('is not sent where that has answered before, and counts once', async () => {
    const { caller, api, close } = await between((request, next) => concat(of(42), next(request)));
    expect(await lastValueFrom(api.soon(7))).toBe(42);
    expect(requestsOf(caller)).toEqual({ 'requests.ok': 1 });
    await close();
  });

  it('is held, and named, where that has failed beside it and goes on', async () => {
    const broken = throwError(() => new Error('no token'));
    const { caller, api, close } = await between((request, next) =>
      forkJoin([broken, next(request)]).pipe(
        map(([, answer]) => answer),
        catchError(() => NEVER),
      ),
    );
    const ended = lastValueFrom(api.soon(7)).catch((error: unknown) => error);
    expect(await caller.drain({ timeoutMs: 20 })).toEqual({ unfinished: ['held by an interceptor: numbers.soon'] });
    expect(await ended).toMatchObject({ code: 'closed', ran: 'no' });
    await close();
  });

  it('says that it did not run where it is withdrawn before it is sent', async () => {
    await using caller = await createNode(`zmq+memory://alone-${String(Math.random())}`, { interceptors: { client: [pass] } });
    const api = caller.client(Numbers);
    const stop = new AbortController();
    const all = [api.soon(7, stop), api.ten(undefined, stop), api.sum(digits, stop), api.back(digits, stop)];
    const ended = all.map((one) => lastValueFrom<unknown>(one).catch((error: unknown) => error));
    stop.abort('enough');
    for (const error of await Promise.all(ended)) expect(error).toMatchObject({ code: 'cancelled', ran: 'no' });
  });

  it('is not sent once its caller has left, though a promise goes on', async () => {
    let resolve = (): void => undefined;
    const waited = new Promise<void>((resolved) => (resolve = resolved));
    const { caller, api, close } = await between((request, next) =>
      from(waited.then(() => firstValueFrom(next(request), { defaultValue: undefined }))),
    );
    api.soon(7).subscribe().unsubscribe();
    resolve();
    await waited;
    expect(await caller.drain()).toEqual({ unfinished: [] });
    expect(requestsOf(caller)).toEqual({ 'requests.cancelled': 1 });
    await close();
  });

  it('says that it did not run where it is withdrawn before it has left', async () => {
    const late: Interceptor = (request, next) => timer(1).pipe(switchMap(() => next(request)));
    await simulate({ seed: 1 }, async ({ node }) => {
      const api = node('api', undefined, { interceptors: { client: [late] } }).client(Numbers);
      const stop = new AbortController();
      timer(20).subscribe(() => {
        stop.abort('enough');
      });
      const error = await lastValueFrom(api.soon(7, stop)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'cancelled', ran: 'no' });
    });
  });

  it.each<readonly [string, (call$: Observable<number>, api: Api) => Promise<unknown>]>([
    ['was cancelled', (call$) => lastValueFrom(call$.pipe(takeUntil(timer(20))), { defaultValue: undefined })],
    ['came too late', (_, api) => lastValueFrom(api.soon(2, { timeoutMs: 20 })).catch(() => undefined)],
  ])('tells a promise that goes on that it %s, so that what that holds is free again', async (_, giveUp) => {
    let [free, isHeld] = [(): void => undefined, false];
    const limit: Interceptor = (request, next) =>
      defer(async () => {
        while (isHeld) await new Promise<void>((resolve) => (free = resolve));
        isHeld = true;
        try {
          return await firstValueFrom(next(request));
        } finally {
          isHeld = false;
          free();
        }
      });
    await simulate({ seed: 1 }, async ({ node }) => {
      node('a', (self) =>
        self.serve(Numbers, {
          ...handlers,
          soon: async (n) => {
            if (n === 1) await sleep(300);
            return n;
          },
        }),
      );
      const api = node('api', undefined, { interceptors: { client: [limit] } }).client(Numbers);
      const first = lastValueFrom(api.soon(1));
      await giveUp(api.soon(2), api);
      expect(await first).toBe(1);
      expect(await lastValueFrom(api.soon(3, { timeoutMs: 1_000 }))).toBe(3);
    });
  });

  it('lets go at once of what that gives without end', async () => {
    let given = 0;
    const endless = new Observable<number>((subscriber) => {
      for (; given < 1_000_000 && !subscriber.closed; given += 1) subscriber.next(given);
    });
    const { api, close } = await between((request, next) => (request.method.startsWith('$') ? next(request) : endless));
    expect(await lastValueFrom(api.ten().pipe(take(5), toArray()))).toEqual([0, 1, 2, 3, 4]);
    expect(given).toBeLessThan(100);
    await close();
  });
});

describe('an interceptor that throws as it is let go of', () => {
  it.each<readonly [string, (api: Api) => Observable<unknown>, unknown]>([
    ['a call', (api) => api.soon(7), [7]],
    ['a cast', (api) => defer(() => api.note(7)).pipe(map(({ state }) => state)), ['accepted']],
    ['a stream', (api) => api.ten(), digits],
    ['a sink', (api) => api.sum(digits), [45]],
    ['a channel', (api) => api.back(digits), digits],
    ['a stream that fails', (api) => api.fails(), 'remote-error'],
  ])('lets %s end as it would, and holds no drain', async (_, open, how) => {
    const told: unknown[] = [];
    config.onUnhandledError = (thrown) => told.push(thrown);
    const throwing: Interceptor = (request, next) =>
      next(request).pipe(
        finalize(() => {
          throw new Error('on its way out');
        }),
      );
    await simulate({ seed: 1 }, async ({ node, clock }) => {
      node('a', serve, { interceptors: { server: [throwing] } });
      const caller = node('api', undefined, { interceptors: { client: [throwing] } });
      const ending = lastValueFrom(open(caller.client(Numbers)).pipe(toArray()));
      expect(await ending.catch((error: unknown) => (error as SkeinError).code)).toEqual(how);
      const startedAt = clock.now();
      expect(await caller.drain()).toEqual({ unfinished: [] });
      expect(clock.now() - startedAt).toBeLessThan(1_000);
    });
    config.onUnhandledError = null;
    expect(told.map(String)).toContainEqual(expect.stringContaining('on its way out'));
  });

  it('changes nothing of how its request ends', async () => {
    const thrown = new Promise((resolve) => (config.onUnhandledError = resolve));
    const throwing: Interceptor = (request) =>
      new Observable(() => () => {
        throw new Error(`on its way out of ${request.method}`);
      });
    const url = `zmq+memory://throwing-${String(Math.random())}`;
    await using client = await createNode(url, { interceptors: { client: [throwing] } });
    const error = await lastValueFrom(client.client(Numbers).endless(undefined, { timeoutMs: 50 })).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'deadline-exceeded', ran: 'no' });
    expect(String(await thrown)).toContain('on its way out');
    config.onUnhandledError = null;
  });
});

describe('a server whose interceptor answers in the place of its handler', () => {
  const ticks = interval(50).pipe(take(10));
  const own =
    (answer: (item$: Observable<number>) => Observable<number>): Interceptor =>
    (request, next) =>
      request.method.startsWith('$') ? next(request) : answer(request.input as Observable<number>);
  const sum = reduce((all: number, item: number) => all + item, 0);
  const some = async function* () {
    for await (const n of forever()) {
      if (n === 10) return;
      yield n;
    }
  };
  const options = { timeoutMs: 200 };

  it.each<readonly [string, Interceptor, (api: Api) => Observable<unknown>, readonly number[]]>([
    ['a stream', own(() => ticks), (api) => api.fails(undefined, options), digits],
    [
      'a stream that has failed',
      (request, next) => next(request).pipe(catchError(() => ticks)),
      (api) => api.fails(undefined, options),
      digits,
    ],
    ['a channel', own((item$) => from(item$)), (api) => api.back(some(), options), digits],
    ['a sink', own((item$) => from(item$).pipe(sum)), (api) => api.sum(some(), options), [45]],
  ])('may take its time for %s', async (_, server, open, values) => {
    expect((await ending({ server: [server] }, open)).how).toEqual(values);
  });
});

describe('a stream behind an interceptor of its client', () => {
  /** A stream of which the first item was read, and all has come. */
  const half = async (client: Interceptor[]) => {
    const url = `zmq+memory://half-${String(Math.random())}`;
    const server = await createNode(url);
    await serve(server);
    const node = await createNode(url, { interceptors: { client } });
    const api = node.client(Numbers);
    const items = api.ten()[Symbol.asyncIterator]();
    const read: unknown[] = [(await items.next()).value];
    await api.soon(7);
    const rest = async (): Promise<readonly unknown[]> => {
      for (let item = await items.next(); item.done !== true; item = await items.next()) read.push(item.value);
      return read;
    };
    return { server, node, read, rest };
  };

  it.each([
    ['without one', []],
    ['with one', [pass]],
    ['with one that takes its time', [(request, next) => next(request).pipe(concatMap((item) => Promise.resolve(item)))]],
    ['with one that takes it later', [(request, next) => next(request).pipe(delay(10))]],
    ['with one that gets a token before', [(request, next) => timer(1).pipe(mergeMap(() => next(request)))]],
  ] as readonly (readonly [string, Interceptor[]])[])(
    'is read to its end where it has come, though its node has drained: %s',
    async (_, client) => {
      const { server, node, rest } = await half(client);
      expect(await node.drain()).toEqual({ unfinished: [] });
      expect(await rest()).toEqual(digits);
      await server.close();
    },
  );

  it('may take longer than its opening, however that paces its items, and whenever the last of them came', async () => {
    const { how, ms } = await ending({ client: [paced] }, (api) => api.ten(undefined, { timeoutMs: 300 }));
    expect(how).toEqual(digits);
    expect(ms).toBeGreaterThanOrEqual(500);
  });

  it('has its timeoutMs for each opening, once it was open', async () => {
    const failing: Interceptor = (request, next) =>
      next(request).pipe(
        tap((item) => {
          if (item === 9) throw new Error('enough');
        }),
        retry({ count: 2, delay: 1_000 }),
      );
    const { how, ms } = await ending({ client: [failing] }, (api) => api.endless(undefined, { timeoutMs: 300 }).pipe(take(25)));
    expect(how).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6]);
    expect(ms).toBeGreaterThan(2_000);
  });
});
