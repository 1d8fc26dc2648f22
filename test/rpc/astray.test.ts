import {
  concat,
  config,
  EMPTY,
  finalize,
  from,
  map,
  mergeMap,
  NEVER,
  of,
  range,
  Subject,
  switchMap,
  tap,
  throwError,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  bounded,
  bytes,
  call,
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

const Astray = contract('astray', '1', {
  echo: call<number, number>(),
  first: sink<number, number>(),
  never: sink<number, number>(),
  all: sink<number, readonly number[]>(),
  large: sink({ open: bytes(), input: typed<number>(), output: typed<number>() }),
  three: stream<undefined, number>(),
  unasked: stream<undefined, number>(),
  breaks: stream<undefined, number>(),
  slow: stream<undefined, number>(),
});

describe('what users do wrong with streams', () => {
  let server: Node;
  let client: Node;
  const logger = new RecordingLogger();
  const asked: number[] = [];

  beforeEach(async () => {
    const url = `zmq+memory://astray-${String(Math.random())}`;
    server = await createNode(url, { logger });
    client = await createNode(url, { logger });
    await server.serve(Astray, {
      echo: (value) => value,
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
      three: () => [1, 2, 3],
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
    for (const called of [from(api.echo(1)), api.three()]) {
      await new Promise<void>((complete) => {
        called.pipe(finalize(fails)).subscribe({ complete, error: complete });
      });
    }
    expect(await api.echo(7)).toBe(7);
    await expect.poll(() => errors.length).toBe(2);
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

  const iterate = async (items: AsyncIterable<number>): Promise<readonly number[]> => {
    const got = [];
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

  it('asks again in quarters, also for who takes one after the other', async () => {
    let taken = 0;
    for await (const item of client.client(Astray).slow(undefined, { credit: 64 })) {
      expect(item).toBe((taken += 1));
      await new Promise(setImmediate);
      if (taken === 320) break;
    }
    // All but the first and what is told in two parts.
    expect(asked.slice(0, 5).reduce((sum, more) => sum + more, 0)).toBeGreaterThanOrEqual(64 + 3 * 16);
    expect(asked.length).toBeLessThan(2 * (320 / 16) + 4);
  });

  it('says of a deadline how long it was', async () => {
    const { error } = (await settle(client.client(Astray).never([1], { deadline: Date.now() + 100 }))) as { error: Error };
    expect(error.message).toMatch(/ no answer within (9\d|100) ms$/);
  });
});
