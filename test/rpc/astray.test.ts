import {
  concat,
  config,
  EMPTY,
  finalize,
  from,
  lastValueFrom,
  map,
  mergeMap,
  NEVER,
  type Observable,
  of,
  range,
  Subject,
  switchMap,
  take,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bounded,
  bytes,
  call,
  cast,
  channel,
  consume,
  contract,
  createNode,
  fromDemand,
  type Node,
  settle,
  sink,
  stream,
  typed,
} from '../../lib/index.js';
import { RecordingLogger } from '../recording-logger.js';

/** Small at first, and then large. */
function* heavy() {
  yield new Uint8Array(10);
  for (let i = 0; i < 100; i += 1) yield new Uint8Array(65_536);
}

const Astray = contract('astray', '1', {
  echo: call<number, number>(),
  note: cast<number>(),
  first: sink<number, number>(),
  never: sink<number, number>(),
  all: sink<number, readonly number[]>(),
  large: sink({ open: bytes(), input: typed<number>(), output: typed<number>() }),
  three: stream<undefined, number>(),
  unasked: stream<undefined, number>(),
  breaks: stream<undefined, number>(),
  slow: stream<undefined, number>(),
  checked: sink({ input: bytes(), output: typed<number>() }),
  failing: stream({ input: typed<undefined>(), output: typed<unknown>() }),
  counted: stream({ input: typed<undefined>(), output: typed<number>() }),
  heavy: stream<undefined, Uint8Array>(),
  twenty: stream<undefined, number>(),
  bytes: sink<Uint8Array, number>(),
});

describe('what users do wrong with streams', () => {
  let server: Node;
  let client: Node;
  const logger = new RecordingLogger();
  const asked: number[] = [];
  let finished = 0;
  let produced = 0;
  const large = new Uint8Array(3_000_000);

  beforeEach(async () => {
    const url = `zmq+memory://astray-${String(Math.random())}`;
    server = await createNode(url, { logger });
    client = await createNode(url, { logger });
    await server.serve(Astray, {
      echo: (value) => value,
      note: () => undefined,
      first: async (item$) => {
        for await (const item of item$) return item;
        return 0;
      },
      never: (item$) => item$.pipe(switchMap(() => NEVER)),
      all: async (item$) => {
        const items = [];
        for await (const item of item$) items.push(item);
        return items;
      },
      large: async (item$, { open }) => {
        let sum = open.byteLength;
        for await (const item of item$) sum += item;
        return sum;
      },
      checked: async (item$) => {
        finished = 0;
        for await (const item of item$) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (item.byteLength > 0) finished += 1;
        }
        return finished;
      },
      *failing() {
        yield* [1, 2, 3];
        throw new Error('broken');
      },
      *counted() {
        for (produced = 1; ; produced += 1) yield produced;
      },
      three: () => [1, 2, 3],
      heavy,
      twenty: () => Array.from({ length: 20 }, (_, i) => i),
      bytes: async (item$) => {
        let count = 0;
        for await (const item of item$) if (item.byteLength > 0) count += 1;
        return count;
      },
      unasked: () => fromDemand(() => of(1, 2)),
      breaks: () => {
        const failure$ = throwError(() => new Error('broken'));
        return bounded(concat(of(1, 2, 3), failure$), { overflow: 'fail' });
      },
      slow: () =>
        fromDemand((credit$) => {
          let next = 0;
          return credit$.pipe(
            tap((more) => asked.push(more)),
            mergeMap((more) => range(1, more)),
            map(() => (next += 1)),
          );
        }),
    });
  });

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const withBrokenCleanup = function* () {
    try {
      for (;;) yield 1;
    } finally {
      // eslint-disable-next-line no-unsafe-finally -- that is what it is about
      throw new Error('the cleanup is broken');
    }
  };

  it('has a source whose cleanup fails harm nothing else, and tells of it', async () => {
    const api = client.client(Astray);
    const beside = Promise.resolve(settle(api.never([1], { timeoutMs: 60_000 })));
    expect(await api.first(withBrokenCleanup())).toBe(1);
    expect(await api.first(bounded(concat(of(1), NEVER).pipe(finalize(fails)), { overflow: 'fail' }))).toBe(1);
    const late = await settle(api.never(withBrokenCleanup(), { deadline: Date.now() + 50 }));
    expect(late).toMatchObject({ ok: false, error: { code: 'deadline-exceeded' } });
    expect(await api.echo(7)).toBe(7);
    expect(logger.lines.filter(({ message }) => message.startsWith('the source of the items to send failed'))).toHaveLength(3);
    await server.close();
    expect(await beside).toMatchObject({ ok: false, error: { code: 'link-lost' } });
  });

  const fails = (): never => {
    throw new Error('the teardown is broken');
  };

  it('throws what a consumer throws as it ends apart from the link', async () => {
    const api = client.client(Astray);
    const thrown = new Subject<unknown>();
    config.onUnhandledError = (error) => {
      thrown.next(error);
    };
    const errors: unknown[] = [];
    thrown.subscribe((error) => errors.push(error));
    const beside = Promise.resolve(settle(api.never([1], { timeoutMs: 60_000 })));
    for (const begin of [() => from(api.echo(1)), () => from(api.three()), (): Observable<unknown> => api.note(1).state$]) {
      await new Promise<void>((complete) => {
        begin().pipe(finalize(fails)).subscribe({ complete, error: complete });
      });
    }
    expect(await api.echo(7)).toBe(7);
    await expect.poll(() => errors.length).toBe(3);
    config.onUnhandledError = null;
    await client.close();
    await beside;
  });

  it('refuses items that nobody has asked for, however early', async () => {
    const api = client.client(Astray);
    const unasked = 'a source gave more items than it was asked for';
    await expect(iterate(api.unasked())).rejects.toThrow(unasked);
    await expect(Promise.resolve(api.all(fromDemand(() => of(1, 2))))).rejects.toThrow(unasked);
    await expect(iterate(fromDemand(() => of(1, 2)))).rejects.toThrow(unasked);
  });

  const iterate = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
    const got: T[] = [];
    for await (const item of items) got.push(item);
    return got;
  };

  it('has the end of a source stay behind a large opening', async () => {
    const open = new Uint8Array(2_000_000);
    expect(await client.client(Astray).large(bounded(EMPTY, { overflow: 'fail' }), { open })).toBe(2_000_000);
    expect(await client.client(Astray).large([1, 2], { open })).toBe(2_000_003);
  });

  it('gives what was taken before an error', async () => {
    const got: unknown[] = [];
    await client
      .client(Astray)
      .breaks()
      .forEach((item) => got.push(item))
      .catch((error: unknown) => got.push((error as Error).message));
    expect(got).toEqual([1, 2, 3, '[remote-error] Error: broken']);
  });

  it('asks again in halves, also for who takes one after the other', async () => {
    let taken = 0;
    for await (const item of client.client(Astray).slow(undefined, { credit: 64 })) {
      expect(item).toBe((taken += 1));
      await new Promise(setImmediate);
      if (taken === 320) break;
    }
    // All but the first and what is told in two parts.
    expect(asked.slice(0, 3).reduce((sum, more) => sum + more, 0)).toBeGreaterThanOrEqual(64 + 32);
    expect(asked.length).toBeLessThan(2 * (320 / 32) + 4);
  });

  it('goes on giving to free places while others stay taken', async () => {
    let free: () => void = () => undefined;
    const wait = new Promise<void>((resolve) => (free = resolve));
    const work = async (i: number): Promise<number> => {
      if (i < 7) await wait;
      if (i === 11) free();
      return i;
    };
    const worked$ = client.client(Astray).twenty(undefined, { credit: 8 }).pipe(consume(work, 8), toArray());
    expect(await lastValueFrom(worked$)).toHaveLength(20);
  });

  it('hands streams on, whatever they weigh and whoever grants more', async () => {
    const origin = client.client(Astray);
    const relay = contract('relay', '1', {
      heavy: stream<undefined, Uint8Array>(),
      narrow: stream<undefined, number>(),
      put: sink<Uint8Array, number>(),
      same: channel<Uint8Array, Uint8Array>(),
      sizes: channel<Uint8Array, number>(),
    });
    const via = await createNode(client.url, { logger });
    await via.serve(relay, {
      heavy: () => origin.heavy(),
      narrow: () => origin.twenty(undefined, { credit: 3 }),
      put: (item$) => origin.bytes(item$),
      same: (item$) => item$,
      sizes: (item$) => item$.pipe(consume((item) => of(item.byteLength), 256)),
    });
    const api = client.client(relay);
    expect(await iterate(api.heavy())).toHaveLength(101);
    expect(await iterate(api.narrow())).toHaveLength(20);
    expect(await api.put(heavy())).toBe(101);
    expect(await iterate(api.same(heavy()))).toHaveLength(101);
    expect(await iterate(api.sizes(heavy()))).toHaveLength(101);
    await via.close();
  });

  it('counts an item as consumed when its loop asks for the next one, with a schema too', async () => {
    const told: [number, number][] = [];
    const progress = { next: (consumed: number) => told.push([consumed, finished]) };
    expect(await client.client(Astray).checked([large, large, large], { progress })).toBe(3);
    expect(told).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    let ahead = 0;
    for await (const item of client.client(Astray).counted(undefined, { credit: 4, validateOutput: true })) {
      await new Promise(setImmediate);
      ahead = Math.max(ahead, produced - item);
      if (item === 40) break;
    }
    expect(ahead).toBeLessThan(4);
  });

  it('gives what came before an error, also where it is checked first', async () => {
    const got: unknown[] = [];
    const checked = client.client(Astray).failing(undefined, { validateOutput: true });
    const takeSlowly = async (): Promise<void> => {
      for await (const item of checked) {
        got.push(item);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    await takeSlowly().catch((error: unknown) => got.push((error as Error).message));
    expect(got).toEqual([1, 2, 3, '[remote-error] Error: broken']);
  });

  it('has no more ahead of work without bounds than the credit lets come', async () => {
    let done = 0;
    let ahead = 0;
    const work = async (): Promise<number> => {
      ahead = Math.max(ahead, produced - done);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return (done += 1);
    };
    const counted = client.client(Astray).counted(undefined, { credit: 8 });
    await lastValueFrom(counted.pipe(consume(work, Infinity), take(40)));
    expect(ahead).toBeLessThanOrEqual(9);
  });

  it('gives to who asks for several at once, however few the credit lets come', async () => {
    const iterator = client.client(Astray).twenty(undefined, { credit: 3 })[Symbol.asyncIterator]();
    const got = await Promise.all(Array.from({ length: 10 }, () => iterator.next()));
    expect(got.map(({ value }) => value as number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await iterator.return?.();
  });

  it('says of a deadline how long it was', async () => {
    const { error } = (await settle(client.client(Astray).never([1], { deadline: Date.now() + 100 }))) as { error: Error };
    expect(error.message).toMatch(/ no answer within (9\d|100) ms$/);
  });
});
