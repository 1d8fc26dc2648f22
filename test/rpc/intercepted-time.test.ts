import { setTimeout as sleep } from 'node:timers/promises';
import {
  catchError,
  concatMap,
  concatWith,
  lastValueFrom,
  map,
  NEVER,
  type Observable,
  retry,
  switchMap,
  take,
  tap,
  timer,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  channel,
  type Client,
  contract,
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
  sum: sink<number, number>(),
  back: channel<number, number>(),
});

const ten = Array.from({ length: 10 }, (_, i) => i + 1);

const forever = async function* () {
  for (let n = 0; ; n += 1) {
    yield n;
    await sleep(50);
  }
};

const serve = (node: Node) =>
  node.serve(Numbers, {
    ten: () => ten,
    endless: forever,
    never: () => new Promise<never>(() => undefined),
    sum: async (item$) => {
      let sum = 0;
      for await (const item of item$) sum += item;
      return sum;
    },
    back: (item$) => item$,
  });

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

describe('a stream behind an interceptor of its client', () => {
  it('may take longer than its opening, however that paces its items, and whenever the last of them came', async () => {
    const { how, ms } = await ending({ client: [paced] }, (api) => api.ten(undefined, { timeoutMs: 300 }));
    expect(how).toEqual(ten);
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
