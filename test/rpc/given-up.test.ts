import type { StandardSchemaV1 } from '@standard-schema/spec';
import { concatMap, config, count, finalize, lastValueFrom, mergeMap, retry, startWith, take, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bytes,
  channel,
  consume,
  contract,
  createNode,
  type Interceptor,
  type Node,
  settle,
  sink,
  type SkeinError,
  stream,
  typed,
} from '../../lib/index.js';

/** Checks numbers below 3 at once, and comes to no end with others; it tells of those. */
const hanging = (begins: () => void): StandardSchemaV1<number, number> => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      if ((value as number) < 3) return { value: value as number };
      begins();
      return new Promise(() => undefined);
    },
  },
});

let atCheck: () => void = () => undefined;
const check = hanging(() => {
  atCheck();
});

const Checked = contract('checked', '1', {
  few: stream({ input: typed<undefined>(), output: check }),
  fails: stream({ input: typed<undefined>(), output: check }),
  more: stream({ input: typed<undefined>(), output: check }),
  numbers: stream({ input: typed<undefined>(), output: check }),
  both: channel({ input: typed<number>(), output: check }),
  put: sink({ input: check, output: typed<number>() }),
});

const Weights = contract('weights', '1', {
  mixed: stream({ input: typed<undefined>(), output: bytes() }),
  flaky: stream<undefined, number>(),
});

const Taken = contract('taken', '1', { put: sink<Uint8Array, number>() });

/** A little later than that, epoch ms: what is due then has had its turn. */
const until = (epochMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, epochMs - Date.now() + 50));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a stream that is given up while an item is checked', () => {
  const heard: unknown[] = [];
  let hear: () => void;
  let server: Node;
  let client: Node;

  beforeEach(async () => {
    heard.length = 0;
    const url = `zmq+memory://given-up-${String(Math.random())}`;
    server = await createNode(url);
    client = await createNode(url);
    await server.serve(Checked, {
      few: () => [1, 2, 3, 4],
      *fails() {
        yield* [1, 2, 3, 4];
        throw new Error('broken');
      },
      async *more() {
        yield* [1, 2, 3, 4, 5];
        await new Promise(() => undefined);
      },
      async *numbers() {
        yield* [1, 2, 3];
        await new Promise(() => undefined);
      },
      async *both(item$) {
        yield* [1, 2, 3];
        for await (const item of item$) heard.push(item);
      },
      put: async (item$) => {
        try {
          for await (const item of item$) heard.push(item);
        } catch (error) {
          heard.push((error as SkeinError).code);
        }
        hear();
        return 0;
      },
    });
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const endOf = async (items: AsyncIterable<number>): Promise<unknown[]> => {
    const got: unknown[] = [];
    try {
      for await (const item of items) got.push(item);
    } catch (error) {
      got.push((error as SkeinError).code);
    }
    return got;
  };

  it('ends at its signal', async () => {
    const abort = new AbortController();
    atCheck = () => {
      abort.abort();
    };
    const numbers = client.client(Checked).numbers(undefined, { signal: abort.signal, validateOutput: true });
    expect(await endOf(numbers)).toEqual([1, 2, 'cancelled']);
  });

  it('ends at its deadline', async () => {
    const numbers = client.client(Checked).numbers(undefined, { deadline: Date.now() + 1_000, validateOutput: true });
    expect(await endOf(numbers)).toEqual([1, 2, 'deadline-exceeded']);
  });

  it('ends with the items that it sends', async () => {
    const isChecking = new Promise<void>((resolve) => (atCheck = resolve));
    const failing = async function* () {
      yield 1;
      await isChecking;
      throw new Error('no more');
    };
    expect(await endOf(client.client(Checked).both(failing(), { validateOutput: true }))).toEqual([1, 2, 'cancelled']);
  });

  it.each([
    ['signal', 'cancelled', () => ({ signal: AbortSignal.timeout(1_000) })],
    ['deadline', 'deadline-exceeded', () => ({ deadline: Date.now() + 1_000 })],
  ])('ends at its %s, also where all has come', async (_, code, options) => {
    const got = client.client(Checked).few(undefined, { ...options(), validateOutput: true });
    expect(await endOf(got)).toEqual([1, 2, code]);
    const slow = client.client(Checked).few(undefined, options());
    const taken: unknown[] = [];
    const take = async (): Promise<void> => {
      for await (const item of slow) {
        taken.push(item);
        if (item === 2) await until(Date.now() + 1_000);
      }
    };
    await take().catch((error: unknown) => taken.push((error as SkeinError).code));
    expect(taken).toEqual([1, 2, code]);
  });

  it('leaves deadlines of others alone, whatever its own consumer throws on its way out', async () => {
    const thrown = new Promise((resolve) => (config.onUnhandledError = resolve));
    const deadline = Date.now() + 1_000;
    const throwing = finalize<number>(() => {
      throw new Error('on its way out');
    });
    client
      .client(Checked)
      .few(undefined, { deadline, validateOutput: true })
      .pipe(throwing)
      .subscribe({ error: () => undefined });
    const calls = [50, 100].map((more) => settle(client.client(Checked).put([1, 3], { deadline: deadline + more })));
    for (const { error } of (await Promise.all(calls)) as { error: SkeinError }[]) expect(error.code).toBe('deadline-exceeded');
    expect(String(await thrown)).toContain('on its way out');
    config.onUnhandledError = null;
  });

  it('ends at its deadline behind an interceptor, too, where its server has failed', async () => {
    await using through = await createNode(client.url, { interceptors: { client: [(request, next) => next(request)] } });
    const taken: unknown[] = [];
    const take = async (): Promise<void> => {
      const deadline = Date.now() + 1_000;
      for await (const item of through.client(Checked).fails(undefined, { deadline })) {
        taken.push(item);
        if (item === 2) await until(deadline);
      }
    };
    await take().catch((error: unknown) => taken.push((error as SkeinError).code));
    expect(taken).toEqual([1, 2, 'deadline-exceeded']);
  });

  it('ends as its own node is closed', async () => {
    atCheck = () => void client.close();
    expect(await endOf(client.client(Checked).numbers(undefined, { validateOutput: true }))).toEqual([1, 2, 'closed']);
  });

  it('ends as its own node is closed, also where more has come', async () => {
    atCheck = () => void client.close();
    expect(await endOf(client.client(Checked).more(undefined, { validateOutput: true }))).toEqual([1, 2, 'closed']);
  });

  it('ends at its handler, too, with all that has come', async () => {
    const hasHeard = new Promise<void>((resolve) => (hear = resolve));
    const isChecking = new Promise<void>((resolve) => (atCheck = resolve));
    const putting = client.client(Checked).put([1, 2, 3, 1, 1]).subscribe();
    await isChecking;
    putting.unsubscribe();
    await hasHeard;
    expect(heard).toEqual([1, 2, 'cancelled']);
  });
});

describe('work on several items of a stream at once', () => {
  it('has no more ahead of it than the credit lets come, whatever ends first and whatever each weighs', async () => {
    const url = `zmq+memory://weights-${String(Math.random())}`;
    await using server = await createNode(url);
    await using client = await createNode(url);
    const costOf = ({ byteLength }: Uint8Array): number => 1 + Math.floor(byteLength / 8_192);
    const large = new Uint8Array(1 << 20);
    let [made, done, ahead] = [0, 0, 0];
    await server.serve(Weights, {
      *mixed() {
        for (let i = 0; i < 640; i += 1) {
          const item = i % 16 === 0 ? large : new Uint8Array(1);
          made += costOf(item);
          yield item;
        }
      },
      flaky: () => [],
    });
    const held: (() => void)[] = [];
    const work = async (item: Uint8Array): Promise<number> => {
      ahead = Math.max(ahead, made - done);
      if (item.byteLength > 1) await new Promise<void>((resolve) => held.push(resolve));
      done += costOf(item);
      return 1;
    };
    let isOver = false;
    const letGo = async (): Promise<void> => {
      // As long as nothing else goes on, the oldest large one is let go.
      for (let before = -1; !isOver; before = done) {
        if (done === before) held.shift()?.();
        for (let i = 0; i < 10; i += 1) await turn();
      }
    };
    const letting = letGo();
    const mixed$ = client.client(Weights).mixed().pipe(consume(work, Infinity), count());
    expect(await lastValueFrom(mixed$)).toBe(640);
    isOver = true;
    await letting;
    // Besides its credit, one item may begin where some of it is left.
    expect(ahead).toBeLessThanOrEqual(256 + costOf(large));
  });

  it('tells as progress what is done, and nothing else', async () => {
    const url = `zmq+memory://progress-${String(Math.random())}`;
    await using server = await createNode(url);
    await using client = await createNode(url);
    let done = 0;
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const work = async (item: Uint8Array): Promise<number> => {
      if (item.byteLength === 1) await gate;
      else setImmediate(letGo);
      return (done += 1);
    };
    await server.serve(Taken, { put: (item$) => lastValueFrom(item$.pipe(consume(work, 64), count())) });
    const small = Array.from({ length: 40 }, () => new Uint8Array(1));
    const told: (readonly [consumed: number, done: number])[] = [];
    const progress = { next: (consumed: number) => told.push([consumed, done]) };
    expect(await client.client(Taken).put([...small, new Uint8Array(1 << 20), new Uint8Array(1)], { progress })).toBe(42);
    expect(told.every(([consumed, was]) => consumed <= was)).toBe(true);
    expect(told.at(-1)?.[0]).toBe(42);
  });

  it('gets what an interceptor makes of it, be it twice as many', async () => {
    const url = `zmq+memory://more-${String(Math.random())}`;
    await using server = await createNode(url);
    const twice: Interceptor = (request, next) => next(request).pipe(mergeMap((item) => [item, item]));
    await using client = await createNode(url, { interceptors: { client: [twice] } });
    await server.serve(Weights, {
      *mixed() {
        for (let i = 0; i < 120; i += 1) yield new Uint8Array(i % 9 === 4 ? 100_000 : 1);
      },
      flaky: () => [],
    });
    const work = async ({ byteLength }: Uint8Array): Promise<number> => {
      for (let i = 0; i < (byteLength > 1 ? 6 : 1); i += 1) await turn();
      return 1;
    };
    const doubled$ = client.client(Weights).mixed(undefined, { credit: 8 }).pipe(consume(work, 5), count());
    expect(await lastValueFrom(doubled$)).toBe(240);
  });

  it('is no more at once than it may be, whatever an interceptor adds', async () => {
    const url = `zmq+memory://at-once-${String(Math.random())}`;
    await using server = await createNode(url);
    const more: Interceptor = (request, next) =>
      next(request).pipe(
        mergeMap((item) => [item, item]),
        startWith(0),
      );
    await using client = await createNode(url, { interceptors: { client: [more] } });
    await server.serve(Weights, { mixed: () => [], flaky: () => Array.from({ length: 200 }, (_, i) => i + 1) });
    let [running, most] = [0, 0];
    const work = async (item: number): Promise<number> => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
      return item;
    };
    const doubled = [0, ...Array.from({ length: 400 }, (_, i) => 1 + Math.floor(i / 2))];
    const flaky = client.client(Weights).flaky(undefined, { credit: 8 });
    expect(await lastValueFrom(flaky.pipe(consume(work, 1), toArray()))).toEqual(doubled);
    expect(most).toBe(1);
    const got: number[] = [];
    for await (const item of flaky) {
      got.push(item);
      await turn();
    }
    expect(got).toEqual(doubled);
  });

  it('goes on behind operators that hold it back while the stream is opened anew', async () => {
    const url = `zmq+memory://anew-${String(Math.random())}`;
    await using server = await createNode(url);
    const slowly: Interceptor = (request, next) => next(request).pipe(concatMap(async (item) => (await turn(), item)));
    const again: Interceptor = (request, next) => next(request).pipe(retry(1));
    await using client = await createNode(url, { interceptors: { client: [slowly, again] } });
    let attempts = 0;
    await server.serve(Weights, {
      mixed: () => [],
      *flaky() {
        attempts += 1;
        yield* [1, 2, 3, 4, 5, 6];
        if (attempts === 1) throw new Error('flaky');
        for (let i = 0; i < 60; i += 1) yield i;
      },
    });
    const work = async (): Promise<number> => {
      await turn();
      return 1;
    };
    expect(await lastValueFrom(client.client(Weights).flaky().pipe(consume(work, 3), count()))).toBe(72);
  });

  it('is of no use to a stream that an interceptor opens in the place of the one that they came by', async () => {
    const url = `zmq+memory://flaky-${String(Math.random())}`;
    await using server = await createNode(url);
    await using client = await createNode(url, { interceptors: { client: [(request, next) => next(request).pipe(retry(1))] } });
    let [attempts, made, done, ahead] = [0, 0, 0, 0];
    await server.serve(Weights, {
      mixed: () => [],
      *flaky() {
        attempts += 1;
        made = 0;
        while (attempts > 1 || made < 3) yield (made += 1);
        throw new Error('flaky');
      },
    });
    const first: (() => void)[] = [];
    const work = async (item: number): Promise<number> => {
      if (attempts === 1) await new Promise<void>((resolve) => first.push(resolve));
      else {
        for (const resolve of first.splice(0)) resolve();
        for (let i = 0; i < 10; i += 1) await turn();
        ahead = Math.max(ahead, made - done);
        done += 1;
      }
      return item;
    };
    const flaky$ = client.client(Weights).flaky(undefined, { credit: 4 }).pipe(consume(work, 4), take(50));
    await lastValueFrom(flaky$);
    expect(ahead).toBeLessThanOrEqual(4);
  });
});
