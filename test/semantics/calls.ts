import {
  catchError,
  concatMap,
  EMPTY,
  firstValueFrom,
  from,
  isObservable,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  range,
  retry,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, contract, type HandlerContext } from '../../lib/index.js';
import { aborted, connect, counted, ends, failureOf, type Part, Signal } from './cluster.js';

const Sum = contract('sum', '1.0', {
  add: call<readonly number[], number>(),
  again: call<undefined, number>({ idempotent: true }),
  never: call(),
});

const add = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
const never = () => NEVER as Observable<undefined>;

/** Handlers that count how often they ran. */
const counting = () => {
  const ran = { add: 0, again: 0 };
  const handlers = {
    add: (numbers: readonly number[]) => {
      ran.add += 1;
      return add(numbers);
    },
    again: () => (ran.again += 1),
    never,
  };
  return { ran, handlers };
};

/** Section 2: one request, one reply. */
export const calls: Part = (use, { shortMs }) => {
  describe('a call', () => {
    it('sends nothing until it is awaited or subscribed', async () => {
      const cluster = use();
      const { ran, handlers } = counting();
      const { caller, client } = await connect(cluster, Sum, handlers);
      const unsent = client.add([1]);
      await cluster.settle(client.add([2]));
      expect(ran.add).toBe(1);
      expect(ends(caller)).toEqual({ 'requests.ok': 1 });
      expect(await cluster.settle(unsent)).toBe(1);
      expect(ran.add).toBe(2);
    });

    it('is sent once however often it is awaited', async () => {
      const cluster = use();
      const { ran, handlers } = counting();
      const { client } = await connect(cluster, Sum, handlers);
      const one = client.add([1, 2]);
      expect(await cluster.settle(Promise.all([one, one, one.then((sum) => sum * 10)]))).toEqual([3, 3, 30]);
      expect(await cluster.settle(one)).toBe(3);
      expect(ran.add).toBe(1);
    });

    it('is sent anew by each subscription', async () => {
      const cluster = use();
      const { ran, handlers } = counting();
      const { client } = await connect(cluster, Sum, handlers);
      const cold$ = client.add([1, 2]);
      await cluster.settle(
        Promise.all([firstValueFrom(cold$), firstValueFrom(cold$.pipe(map((sum) => sum * 2))), firstValueFrom(from(cold$))]),
      );
      expect(ran.add).toBe(3);
    });

    it('is an Observable of one value wherever RxJS takes one', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Sum, counting().handlers);
      const sums$ = range(1, 100).pipe(
        mergeMap((n) => client.add([n, n]), 16),
        concatMap((sum) => client.add([sum, 1])),
        toArray(),
      );
      const sums = await cluster.settle(firstValueFrom(sums$));
      expect(add(sums)).toBe(100 * 101 + 100);
      expect(isObservable(from(client.add([])))).toBe(true);
      const iterated: number[] = [];
      await cluster.settle(
        (async () => {
          for await (const sum of client.add([4])) iterated.push(sum);
        })(),
      );
      expect(iterated).toEqual([4]);
    });

    it('may be answered by a value, a promise, an Observable or an async iterable, of which the first value counts', async () => {
      const cluster = use();
      const Many = contract('many', '1', {
        value: call<undefined, string>(),
        promise: call<undefined, string>(),
        observable: call<undefined, string>(),
        iterable: call<undefined, string>(),
        nothing: call(),
      });
      let isFinished = false;
      const { client } = await connect(cluster, Many, {
        value: () => 'value',
        promise: async () => 'promise',
        observable: () => of('observable', 'not this'),
        async *iterable() {
          try {
            yield 'iterable';
            yield 'not this';
          } finally {
            isFinished = true;
          }
        },
        nothing: () => EMPTY,
      });
      const answers = [client.value(), client.promise(), client.observable(), client.iterable(), client.nothing()];
      expect(await cluster.settle(Promise.all(answers))).toEqual(['value', 'promise', 'observable', 'iterable', null]);
      expect(isFinished).toBe(true);
    });

    it('tells its handler who calls, when the answer must be there, and what came along', async () => {
      const cluster = use();
      const Look = contract('look', '1', { at: call<undefined, boolean>() });
      const seen: HandlerContext[] = [];
      const { caller, client } = await connect(cluster, Look, { at: (_, context) => seen.push(context) > 0 });
      const before = cluster.now();
      await cluster.settle(client.at(undefined, { timeoutMs: 500, context: { tenant: 'x' }, traceparent: '00-1-2-01' }));
      await cluster.settle(client.at());
      const [first, second] = seen as [HandlerContext, HandlerContext];
      expect(first).toMatchObject({
        context: { tenant: 'x' },
        traceparent: '00-1-2-01',
        peer: { id: caller.id, server: 'caller' },
      });
      expect(second).toMatchObject({ context: {}, traceparent: undefined });
      expect(first.deadline).toBeGreaterThan(before);
      expect(first.deadline).toBeLessThanOrEqual(cluster.now() + 500);
      expect(second.id > first.id).toBe(true);
      expect(first.id.startsWith(caller.id)).toBe(true);
    });
  });

  describe('a call whose outcome is unknown', () => {
    it('gives the same error unsent when it is subscribed to again, unless its method is idempotent', async () => {
      const cluster = use();
      const started: string[] = [];
      const Slow = contract('slow', '1', {
        once: call<undefined, number>(),
        often: call<undefined, number>({ idempotent: true }),
      });
      const { client } = await connect(cluster, Slow, {
        once: (_, { id }) => started.push(id) && (NEVER as Observable<number>),
        often: (_, { id }) => (started.push(id) > 2 ? 7 : (NEVER as Observable<number>)),
      });
      const once$ = client.once(undefined, { timeoutMs: shortMs });
      const errors: unknown[] = [];
      const twice$ = once$.pipe(catchError((error: unknown) => (errors.push(error), once$)));
      const error = await failureOf('deadline-exceeded', cluster.settle(firstValueFrom(twice$)));
      expect(errors).toEqual([error]);
      expect(errors[0]).toBe(error);
      expect(error.ran).toBe('unknown');
      expect(started).toHaveLength(1);
      expect(await cluster.settle(firstValueFrom(client.often(undefined, { timeoutMs: shortMs }).pipe(retry(3))))).toBe(7);
      expect(started).toHaveLength(3);
    });

    it('keeps its id when an idempotent one is repeated, and has another when it is asked anew', async () => {
      const cluster = use();
      const ids: string[] = [];
      const Slow = contract('slow', '1', { often: call<undefined, number>({ idempotent: true }) });
      const { client } = await connect(cluster, Slow, {
        often: (_, { id }) => (ids.push(id) === 1 ? (NEVER as Observable<number>) : ids.length),
      });
      const often$ = client.often(undefined, { timeoutMs: shortMs });
      expect(await cluster.settle(firstValueFrom(often$.pipe(retry(1))))).toBe(2);
      expect(await cluster.settle(firstValueFrom(often$))).toBe(3);
      expect(ids[1]).toBe(ids[0]);
      expect(ids[2]).not.toBe(ids[0]);
    });

    it('is sent again where it is known not to have started', async () => {
      const cluster = use();
      const caller = await cluster.node('caller', { noServerMs: 0 });
      const sum = caller.client(Sum).add([1, 2]);
      await failureOf('no-server', cluster.settle(firstValueFrom(sum)));
      const { ran, handlers } = counting();
      await cluster.serve(await cluster.node('server'), Sum, handlers);
      expect(await cluster.settle(firstValueFrom(from(sum).pipe(retry({ count: 1_000, delay: () => cluster.after(5) }))))).toBe(
        3,
      );
      expect(ran.add).toBe(1);
    });
  });

  describe('cancelling a call', () => {
    it('by unsubscribing aborts its handler', async () => {
      const cluster = use();
      const Watch = contract('watch', '1', { wait: call() });
      const [started, stopped] = [new Signal(), new Signal<unknown>()];
      const { caller, client } = await connect(cluster, Watch, {
        wait: (_, { signal }) => {
          void aborted(signal).then((reason) => stopped.resolve(reason));
          started.resolve();
          return never();
        },
      });
      const subscription = client.wait().subscribe();
      await cluster.settle(started.promise);
      subscription.unsubscribe();
      expect(await cluster.settle(stopped.promise)).toMatchObject({ code: 'cancelled' });
      expect(ends(caller)).toEqual({ 'requests.cancelled': 1 });
    });

    it('by unsubscribing ends the Observable or the iterator that its handler returned', async () => {
      const cluster = use();
      const Watch = contract('watch', '1', { observable: call(), iterable: call() });
      const [started, unsubscribed, returned] = [new Signal(), new Signal(), new Signal()];
      const { client } = await connect(cluster, Watch, {
        observable: () => new Observable<undefined>(() => () => unsubscribed.resolve()),
        iterable: () => {
          started.resolve();
          return {
            [Symbol.asyncIterator]: () => ({
              next: () => new Promise(() => undefined),
              return: () => (returned.resolve(), Promise.resolve({ done: true, value: undefined })),
            }),
          };
        },
      });
      const subscription = client.observable().subscribe();
      subscription.add(client.iterable().subscribe());
      await cluster.settle(started.promise);
      subscription.unsubscribe();
      await cluster.settle(Promise.all([unsubscribed.promise, returned.promise]));
    });

    it('by unsubscribing leaves the same call as good as new', async () => {
      const cluster = use();
      const { ran, handlers } = counting();
      const { caller, client } = await connect(cluster, Sum, { ...handlers, never: () => (ran.add === 0 ? never() : undefined) });
      const twice = client.never();
      const first = twice.subscribe();
      await cluster.settle(client.again());
      first.unsubscribe();
      await cluster.settle(client.add([1]));
      expect(await cluster.settle(firstValueFrom<unknown>(twice))).toBeNull();
      expect(ends(caller)).toEqual({ 'requests.ok': 3, 'requests.cancelled': 1 });
    });

    it('by unsubscribing ends what its handler returned after its input was validated asynchronously', async () => {
      const cluster = use();
      const later = { '~standard': { version: 1, vendor: 'test', validate: () => Promise.resolve({ value: 1 }) } } as const;
      const Watch = contract('watch', '1', { observable: call({ input: later }) });
      const [started, unsubscribed] = [new Signal(), new Signal()];
      const { client } = await connect(cluster, Watch, {
        observable: () =>
          new Observable<undefined>(() => {
            started.resolve();
            return () => {
              unsubscribed.resolve();
            };
          }),
      });
      const subscription = client.observable().subscribe();
      await cluster.settle(started.promise);
      subscription.unsubscribe();
      await cluster.settle(unsubscribed.promise);
    });

    it('by its signal rejects it with the reason and aborts its handler', async () => {
      const cluster = use();
      const Watch = contract('watch', '1', { wait: call() });
      const [started, stopped] = [new Signal(), new Signal<unknown>()];
      const { client } = await connect(cluster, Watch, {
        wait: async (_, { signal }) => {
          started.resolve();
          stopped.resolve(await aborted(signal));
        },
      });
      const stop = new AbortController();
      const failed = failureOf('cancelled', client.wait(undefined, { signal: stop.signal }));
      await cluster.settle(started.promise);
      stop.abort('enough');
      const error = await cluster.settle(failed);
      expect(error).toMatchObject({ ran: 'unknown', details: { reason: 'enough' } });
      expect(await cluster.settle(stopped.promise)).toMatchObject({ code: 'cancelled' });
    });

    it('before it was sent says that it did not run', async () => {
      const cluster = use();
      const { ran, handlers } = counting();
      const { caller, client } = await connect(cluster, Sum, handlers);
      const aborted = AbortSignal.abort('early');
      expect(await failureOf('cancelled', cluster.settle(client.add([1], { signal: aborted })))).toMatchObject({ ran: 'no' });
      const stop = new AbortController();
      const waiting = failureOf(
        'cancelled',
        caller.client(contract('nobody', '1', Sum.methods)).add([1], { signal: stop.signal }),
      );
      stop.abort();
      expect(await cluster.settle(waiting)).toMatchObject({ ran: 'no' });
      await cluster.settle(client.add([]));
      expect(ran.add).toBe(1);
      expect(ends(caller)).toEqual({ 'requests.cancelled': 2, 'requests.ok': 1 });
    });

    it('takes back what waits in the mailbox of its server', async () => {
      const cluster = use();
      const Queue = contract('queue', '1', { take: call<string, string>({ concurrency: 1 }), mark: cast() });
      const [started, release] = [new Signal(), new Signal()];
      const order: string[] = [];
      const { client } = await connect(cluster, Queue, {
        take: async (name) => {
          order.push(name);
          started.resolve();
          await release.promise;
          return name;
        },
        mark: () => undefined,
      });
      const first = Promise.resolve(client.take('first'));
      await cluster.settle(started.promise);
      const second = client.take('second').subscribe();
      const third = Promise.resolve(client.take('third'));
      await cluster.settle(client.mark());
      second.unsubscribe();
      await cluster.settle(client.mark());
      release.resolve();
      expect(await cluster.settle(Promise.all([first, third]))).toEqual(['first', 'third']);
      expect(order).toEqual(['first', 'third']);
    });

    it('leaves other calls alone', async () => {
      const cluster = use();
      const { client, server } = await connect(cluster, Sum, counting().handlers);
      const subscriptions = Array.from({ length: 50 }, () => client.never().subscribe());
      const sums = Array.from({ length: 50 }, (_, i) => client.add([i]));
      for (const subscription of subscriptions) subscription.unsubscribe();
      expect(add(await cluster.settle(Promise.all(sums)))).toBe(1_225);
      expect(counted(server, 'handlers.failed')).toBe(0);
    });
  });
};
