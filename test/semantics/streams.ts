import { finalize, firstValueFrom, from, interval, map, NEVER, Observable, Subject, take, tap, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  bounded,
  call,
  channel,
  consume,
  contract,
  defineError,
  fromDemand,
  type HandlerContext,
  type Handlers,
  type Interceptor,
  type Node,
  type Produce,
  sink,
  SkeinError,
  type Source,
  stream,
  typed,
} from '../../lib/index.js';
import { aborted, connect, counted, ends, failure, failureOf, type Part, Signal } from './cluster.js';

class Full extends defineError('full', typed<{ readonly at: number }>()) {}

const wholeNumber = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      Number.isInteger(value) ? { value: value as number } : { issues: [{ message: 'expected a whole number' }] },
  },
} as const;

const Flow = contract('flow', '1.0', {
  count: stream<number, number, number, number, [typeof Full]>({ errors: [Full] }),
  gather: sink<number, unknown, string>({ open: typed<string>() }),
  talk: channel<number, unknown, string>({ open: typed<string>() }),
  whole: sink<number, number>({ input: wholeNumber }),
  plain: call<undefined, string>(),
});

/** Items from 0 on, as they are asked for, without end or `count` of them; says how many it was asked for. */
const numbers = (count = Infinity) => {
  const seen = { produced: 0, isEnded: new Signal() };
  const produce: Produce<number> = (credit$) =>
    new Observable((subscriber) => {
      let wanted = 0;
      let isEmitting = false;
      const asking = credit$.subscribe((more) => {
        wanted += more;
        if (isEmitting) return;
        isEmitting = true;
        for (; wanted > 0 && seen.produced < count && !subscriber.closed; wanted -= 1) subscriber.next(seen.produced++);
        isEmitting = false;
        if (seen.produced >= count) subscriber.complete();
      });
      return () => {
        asking.unsubscribe();
        seen.isEnded.resolve();
      };
    });
  return { seen, source: fromDemand(produce) };
};

const sum = async (item$: AsyncIterable<number>): Promise<number> => {
  let total = 0;
  for await (const item of item$) total += item;
  return total;
};

/** All of them, each method as the test would have it. */
const handlers = (own: Partial<Handlers<typeof Flow>> = {}): Handlers<typeof Flow> => ({
  count: (count) => numbers(count).source,
  gather: sum,
  async *talk(item$) {
    for await (const item of item$) yield item * 2;
  },
  whole: sum,
  plain: () => 'plain',
  ...own,
});

const all = <T>(items$: Observable<T>): Promise<T[]> => firstValueFrom(items$.pipe(toArray()));

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Whatever can wait, each giving 0, 1 and 2. */
const sources: readonly (readonly [string, Source<number>])[] = [
  ['a list', [0, 1, 2]],
  ['a generator', new Set([0, 1, 2])],
  ['a stream', numbers(3).source],
  ['an Observable with a bound', bounded(from([0, 1, 2]), { overflow: 'fail' })],
];

/** Fails with what a source, or the work of a handler, has to say. */
const boom = () => new Error('boom');

/** Sections 3 and 6: many values for one request, in either direction, and who holds whom back. */
export const streams: Part = (use, { virtualTime, shortMs, copies }) => {
  describe('a stream', () => {
    it('is opened by each subscription, and gives all items in order', async () => {
      const cluster = use();
      const { client, caller } = await connect(cluster, Flow, handlers());
      const items = client.count(5_000);
      expect(ends(caller)).toEqual({});
      expect(await cluster.settle(all(items))).toEqual(upTo(5_000));
      expect(await cluster.settle(all(items))).toEqual(upTo(5_000));
      expect(ends(caller)).toEqual({ 'requests.ok': 2 });
    });

    it.each(sources)('comes from whatever can wait: %s', async (_, source) => {
      const cluster = use();
      const { client } = await connect(cluster, Flow, handlers({ count: () => source }));
      expect(await cluster.settle(all(client.count(3)))).toEqual([0, 1, 2]);
    });

    it('comes from a promise of its items, and from an async generator', async () => {
      const cluster = use();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          count: (count) => Promise.resolve(upTo(count)),
          async *talk(item$) {
            for await (const item of item$) yield item;
          },
        }),
      );
      expect(await cluster.settle(all(client.count(3)))).toEqual([0, 1, 2]);
      expect(await cluster.settle(all(client.talk([1, 2], { open: '' })))).toEqual([1, 2]);
    });

    it('is refused for what cannot wait', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Flow, handlers({ count: (() => interval(1)) as never }));
      const error = await cluster.settle(failureOf('remote-error', all(client.count(1))));
      expect(error.details).toMatchObject({ code: 'invalid-argument' });
      expect(error.cause ?? error).toBeDefined();
      expect(JSON.stringify(error.details)).toContain('bounded(source$');
    });

    it('is never further ahead than the credit that it was given', async () => {
      const cluster = use();
      const { seen, source } = numbers();
      const { client } = await connect(cluster, Flow, handlers({ count: () => source }));
      const taken: number[] = [];
      const iterator = client.count(0, { credit: 16 })[Symbol.asyncIterator]();
      for (let asked = 0; asked < 100; asked += 1) {
        taken.push((await cluster.settle(iterator.next())).value as number);
        expect(seen.produced).toBeLessThanOrEqual(taken.length + 16);
      }
      expect(taken).toEqual(upTo(100));
      await cluster.pass(50);
      expect(seen.produced).toBeLessThanOrEqual(100 + 16);
      await iterator.return?.();
      await cluster.settle(seen.isEnded.promise);
    });

    it('asks for more as what it gave is consumed, by whoever consumes it', async () => {
      const cluster = use();
      const { seen, source } = numbers(1_000);
      const { client } = await connect(cluster, Flow, handlers({ count: () => source }));
      const gates: Signal[] = [];
      const done$ = client.count(0, { credit: 8 }).pipe(
        consume((item) => {
          const gate = new Signal();
          gates.push(gate);
          return gate.promise.then(() => item);
        }, 4),
      );
      const done: number[] = [];
      const subscription = done$.subscribe((item) => done.push(item));
      await cluster.pass(virtualTime ? 50 : 200);
      expect(gates).toHaveLength(4);
      expect(seen.produced).toBeLessThanOrEqual(8);
      for (let index = 0; index < 40; index += 1) {
        gates[index]?.resolve();
        await cluster.pass(virtualTime ? 5 : 10);
      }
      expect(done).toEqual(upTo(40));
      expect(seen.produced).toBeLessThanOrEqual(40 + 8);
      subscription.unsubscribe();
      await cluster.settle(seen.isEnded.promise);
    });

    it('ends its producer when it is unsubscribed, and tells its handler', async () => {
      const cluster = use();
      const stopped = new Signal<unknown>();
      const { seen, source } = numbers();
      const { client, caller } = await connect(
        cluster,
        Flow,
        handlers({
          count: (_, { signal }) => {
            void aborted(signal).then(stopped.resolve);
            return source;
          },
        }),
      );
      expect(await cluster.settle(all(client.count(0).pipe(take(3))))).toEqual([0, 1, 2]);
      await cluster.settle(seen.isEnded.promise);
      expect(await cluster.settle(stopped.promise)).toMatchObject({ code: 'cancelled' });
      expect(ends(caller)).toEqual({ 'requests.cancelled': 1 });
    });

    it('is cancelled by a signal', async () => {
      const cluster = use();
      const { seen, source } = numbers();
      const { client } = await connect(cluster, Flow, handlers({ count: () => source }));
      const control = new AbortController();
      const items: number[] = [];
      const failed = failureOf(
        'cancelled',
        client.count(0, { signal: control.signal }).forEach((item) => {
          items.push(item);
          if (item === 2) control.abort('enough');
        }),
      );
      expect((await cluster.settle(failed)).details.reason).toBe('enough');
      expect(items).toEqual([0, 1, 2]);
      await cluster.settle(seen.isEnded.promise);
    });

    it('fails behind what came before its error', async () => {
      const cluster = use();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          async *count(count) {
            yield* upTo(count);
            await Promise.resolve();
            throw count === 1 ? new Full({ at: 1 }) : boom();
          },
        }),
      );
      const items: number[] = [];
      const error = await cluster.settle(
        failureOf(
          'remote-error',
          client.count(3).forEach((item) => items.push(item)),
        ),
      );
      expect(error).toMatchObject({ details: { name: 'Error' }, ran: 'yes' });
      expect(error.message).toContain('boom');
      expect(items).toEqual([0, 1, 2]);
      const declared = await cluster.settle(failure(client.count(1).forEach(() => undefined)));
      expect(declared).toBeInstanceOf(Full);
      expect(declared).toMatchObject({ data: { at: 1 } });
    });

    it.runIf(copies)('fails for an item that cannot be sent', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Flow, handlers({ count: () => [1, (() => 2) as never] }));
      const error = await cluster.settle(failure(all(client.count(0))));
      expect(error.message).toContain('function');
    });

    it('may take any time once it is open, and only so long to be opened', async () => {
      const cluster = use();
      const never = handlers({ count: () => new Promise<never>(() => undefined) });
      const { client } = await connect(cluster, Flow, {
        ...never,
        async *talk() {
          await cluster.after(2 * shortMs);
          yield 'late';
        },
      });
      await cluster.settle(failureOf('deadline-exceeded', all(client.count(0, { timeoutMs: shortMs }))));
      expect(await cluster.settle(all(client.talk([], { open: '', timeoutMs: shortMs })))).toEqual(['late']);
    });

    it('ends at its deadline, at both ends', async () => {
      const cluster = use();
      const seen = new Signal<HandlerContext>();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          count: (_, context) => {
            seen.resolve(context);
            return bounded(NEVER, { overflow: 'latest' });
          },
        }),
      );
      const deadline = cluster.now() + 2 * shortMs;
      await cluster.settle(failureOf('deadline-exceeded', all(client.count(0, { deadline }))));
      const context = await seen.promise;
      expect(Math.abs(context.deadline - deadline)).toBeLessThan(virtualTime ? 5 : 500);
      expect(await cluster.settle(aborted(context.signal))).toBeDefined();
    });

    it('lets calls pass it by', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Flow, handlers({ count: () => numbers().source }));
      const items = client.count(0).subscribe();
      await cluster.pass(virtualTime ? 1 : 20);
      const calls = Array.from({ length: 50 }, () => client.plain());
      expect(await cluster.settle(Promise.all(calls))).toEqual(calls.map(() => 'plain'));
      items.unsubscribe();
    });

    it('gives its handler its context, and takes it on into the calls that its items make', async () => {
      const cluster = use();
      const contexts: unknown[] = [];
      let server: Node | undefined = undefined;
      const connected = await connect(
        cluster,
        Flow,
        handlers({
          async *count() {
            yield 1;
            await (server as unknown as Node).client(Flow).plain();
            yield 2;
          },
          plain: (_, { context, traceparent }) => {
            contexts.push([context, traceparent]);
            return '';
          },
        }),
      );
      server = connected.server;
      const options = { context: { user: 'ada' }, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
      expect(await cluster.settle(all(connected.client.count(0, options)))).toEqual([1, 2]);
      expect(contexts).toEqual([[options.context, options.traceparent]]);
    });
  });

  describe('a stream behind interceptors', () => {
    it('passes them item by item, and is held back as without them', async () => {
      const cluster = use();
      const { seen, source } = numbers();
      const passed: string[] = [];
      const note =
        (where: string): Interceptor =>
        (request, next) =>
          next({ ...request, context: { ...request.context, [where]: 'seen' } }).pipe(
            tap((item) => passed.push(`${where} ${String(item)}`)),
            finalize(() => passed.push(`${where} ends`)),
          );
      const contexts: unknown[] = [];
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          count: (_, { context }) => {
            contexts.push(context);
            return source;
          },
        }),
        {
          server: { interceptors: { server: [note('server')] } },
          caller: { interceptors: { client: [note('client')] } },
        },
      );
      const iterator = client.count(0, { credit: 4 })[Symbol.asyncIterator]();
      const taken: unknown[] = [];
      for (let asked = 0; asked < 10; asked += 1) {
        taken.push((await cluster.settle(iterator.next())).value);
        expect(seen.produced).toBeLessThanOrEqual(taken.length + 4);
      }
      await iterator.return?.();
      await cluster.settle(seen.isEnded.promise);
      expect(taken).toEqual(upTo(10));
      expect(contexts).toEqual([{ client: 'seen', server: 'seen' }]);
      expect(passed.filter((line) => line.startsWith('client'))).toEqual([
        ...upTo(10).map((n) => `client ${String(n)}`),
        'client ends',
      ]);
      expect(passed.filter((line) => line.startsWith('server'))).toContain('server 9');
      expect(passed).toContain('server ends');
    });

    it('is refused by them before its handler runs', async () => {
      const cluster = use();
      let ran = 0;
      const refuse: Interceptor = () => throwError(() => new SkeinError('forbidden', { rule: 'none' }));
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          count: () => {
            ran += 1;
            return [];
          },
        }),
        { server: { interceptors: { server: [refuse] } } },
      );
      await cluster.settle(failureOf('forbidden', all(client.count(1))));
      await cluster.settle(failureOf('forbidden', client.gather([1], { open: '' })));
      await cluster.settle(failureOf('forbidden', all(client.talk([1], { open: '' }))));
      expect(ran).toBe(0);
    });
  });

  describe('a sink', () => {
    it('takes many items, and gives one value', async () => {
      const cluster = use();
      const opened: unknown[] = [];
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          gather: (item$, { open }) => {
            opened.push(open);
            return sum(item$);
          },
        }),
      );
      expect(await cluster.settle(client.gather(upTo(1_000), { open: 'all' }))).toBe(499_500);
      expect(await cluster.settle(client.gather([], { open: 'none' }))).toBe(0);
      expect(opened).toEqual(['all', 'none']);
    });

    it('pulls its items no faster than they are consumed', async () => {
      const cluster = use();
      const { seen, source } = numbers();
      const gate = new Signal();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          gather: async (item$) => {
            const taken: number[] = [];
            for await (const item of item$) {
              taken.push(item);
              if (taken.length === 100) await gate.promise;
              if (taken.length === 1_000) break;
            }
            return taken.length;
          },
        }),
      );
      const gathered = client.gather(source, { open: '' }).then((count) => count);
      await cluster.pass(virtualTime ? 50 : 300);
      expect(seen.produced).toBeGreaterThanOrEqual(100);
      expect(seen.produced).toBeLessThanOrEqual(100 + 256);
      gate.resolve();
      expect(await cluster.settle(gathered)).toBe(1_000);
      await cluster.settle(seen.isEnded.promise);
      expect(seen.produced).toBeLessThanOrEqual(1_000 + 256);
    });

    it('tells how far the server is', async () => {
      const cluster = use();
      const progress = new Subject<number>();
      const told: number[] = [];
      progress.subscribe((consumed) => told.push(consumed));
      const { client } = await connect(cluster, Flow, handlers());
      await cluster.settle(client.gather(upTo(1_000), { open: '', progress }));
      expect(told.length).toBeGreaterThan(3);
      expect(told).toEqual([...told].sort((a, b) => a - b));
      expect(told.at(-1)).toBe(1_000);
    });

    it('may answer before its items are over, which ends them', async () => {
      const cluster = use();
      const { seen, source } = numbers();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({ gather: (item$) => firstValueFrom(item$.pipe(take(3), toArray())) }),
      );
      expect(await cluster.settle(client.gather(source, { open: '' }))).toEqual([0, 1, 2]);
      await cluster.settle(seen.isEnded.promise);
    });

    it('fails where its items do, at both ends', async () => {
      const cluster = use();
      const stopped = new Signal<unknown>();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          gather: (item$, { signal }) => {
            void aborted(signal).then(stopped.resolve);
            return sum(item$);
          },
        }),
      );
      const failing = (async function* () {
        yield 1;
        await Promise.resolve();
        throw boom();
      })();
      const error = await cluster.settle(failureOf('cancelled', client.gather(failing, { open: '' })));
      expect(error.message).toContain('boom');
      expect(error.cause).toMatchObject({ message: 'boom' });
      expect(await cluster.settle(stopped.promise)).toMatchObject({ code: 'cancelled' });
    });

    it('gets valid items only', async () => {
      const cluster = use();
      const { client, server } = await connect(cluster, Flow, handlers());
      expect(await cluster.settle(client.whole([1, 2]))).toBe(3);
      const error = await cluster.settle(failureOf('invalid-argument', client.whole([1, 0.5])));
      expect(error.details.issues).toMatchObject([{ message: 'expected a whole number' }]);
      expect(error.ran).toBe('yes');
      expect(counted(server, 'handlers.failed')).toBe(1);
    });

    it('refuses items that cannot wait, before anything is sent', async () => {
      const cluster = use();
      const { client, caller } = await connect(cluster, Flow, handlers());
      const error = await cluster.settle(failureOf('invalid-argument', client.whole(interval(1) as never)));
      expect(error.message).toContain('bounded(source$');
      expect(ends(caller)).toEqual({ 'requests.invalid-argument': 1 });
    });
  });

  describe('a channel', () => {
    it('goes both ways at once', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Flow, handlers());
      const said$ = new Subject<number>();
      const heard: unknown[] = [];
      const over = new Signal();
      client.talk(bounded(said$, { overflow: 'fail' }), { open: 'room' }).subscribe({
        next: (item) => {
          heard.push(item);
          if (heard.length < 5) said$.next(heard.length);
          else said$.complete();
        },
        complete: over.resolve,
      });
      said$.next(0);
      await cluster.settle(over.promise);
      expect(heard).toEqual([0, 2, 4, 6, 8]);
    });

    it('goes on giving once its items are over', async () => {
      const cluster = use();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          async *talk(item$) {
            const total = await sum(item$);
            for (let left = 3; left > 0; left -= 1) yield total;
          },
        }),
      );
      expect(await cluster.settle(all(client.talk([1, 2, 3], { open: '' })))).toEqual([6, 6, 6]);
    });

    it('goes on taking nothing once its handler wants no more', async () => {
      const cluster = use();
      const { seen, source } = numbers();
      const gate = new Signal();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          async *talk(item$) {
            yield await firstValueFrom(item$);
            await gate.promise;
            yield 'still there';
          },
        }),
      );
      const heard = all(client.talk(source, { open: '' }));
      await cluster.settle(seen.isEnded.promise);
      gate.resolve();
      expect(await cluster.settle(heard)).toEqual([0, 'still there']);
    });

    it('holds each way back by itself', async () => {
      const cluster = use();
      const [sent, given] = [numbers(), numbers()];
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          talk: (item$) => {
            item$.pipe(consume(() => NEVER)).subscribe({ error: () => undefined });
            return given.source;
          },
        }),
      );
      const iterator = client.talk(sent.source, { open: '', credit: 8 })[Symbol.asyncIterator]();
      for (let asked = 0; asked < 100; asked += 1) await cluster.settle(iterator.next());
      expect(given.seen.produced).toBeLessThanOrEqual(100 + 8);
      expect(sent.seen.produced).toBeLessThanOrEqual(256);
      await iterator.return?.();
      await cluster.settle(Promise.all([sent.seen.isEnded.promise, given.seen.isEnded.promise]));
    });
  });

  describe('a request that is watched', () => {
    it('outlives its silence limit while its server is at work', async () => {
      const cluster = use();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          plain: async () => {
            await cluster.after(10 * shortMs);
            return 'done';
          },
        }),
      );
      expect(await cluster.settle(client.plain(undefined, { silenceMs: shortMs }))).toBe('done');
    });

    it('is a stream, too, whose items may be far apart', async () => {
      const cluster = use();
      const { client } = await connect(
        cluster,
        Flow,
        handlers({
          async *count() {
            yield 1;
            await cluster.after(5 * shortMs);
            yield 2;
          },
        }),
      );
      expect(await cluster.settle(all(client.count(0, { silenceMs: shortMs })))).toEqual([1, 2]);
    });

    it('has a limit that is one', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Flow, handlers());
      for (const silenceMs of [0, 19, NaN, Infinity]) {
        await cluster.settle(failureOf('invalid-argument', client.plain(undefined, { silenceMs })));
      }
    });
  });

  describe('the wrong verb', () => {
    it('is refused', async () => {
      const cluster = use();
      const { caller } = await connect(cluster, Flow, handlers());
      const Wrong = contract('flow', '1.0', { count: call<number, number>(), plain: stream<undefined, string>() });
      const client = caller.client(Wrong);
      const error = await cluster.settle(failureOf('no-such-method', client.count(1)));
      expect(error.message).toContain('stream');
      await cluster.settle(failureOf('no-such-method', all(client.plain(undefined).pipe(map((item) => item)))));
    });
  });
};
