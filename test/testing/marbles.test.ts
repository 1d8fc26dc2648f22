import { setTimeout as sleep } from 'node:timers/promises';
import {
  concat,
  concatMap,
  debounceTime,
  delay,
  from,
  interval,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  Subject,
  take,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { consume, SkeinError } from '../../lib/index.js';
import { type MarbleWorld, marbles, ScenarioError } from '../../lib/testing.js';

vi.setConfig({ testTimeout: 120_000 });

const failureOf = async (test: (world: MarbleWorld) => unknown): Promise<Error> => {
  const failure: unknown = await marbles(test).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  return failure as Error;
};

/** The two diagrams of a failure, and its last line. */
const partsOf = ({ message }: Error): readonly string[] =>
  message
    .split('\n')
    .filter((line, i, all) => line.startsWith('  ') || i === all.length - 1)
    .map((line) => line.trimEnd());

describe('marbles', () => {
  it('plays sources, and compares what comes of them', () =>
    marbles(({ hot, cold, expectObservable }) => {
      expectObservable(hot('a 5s b |').pipe(map((value) => value.toUpperCase()))).toBe('A 5s B |');
      expectObservable(cold('order 200ms (reply |)')).toBe('order 200ms (reply |)');
      expectObservable(hot('-a-#')).toBe('-a-#');
      expectObservable(hot('a b', { a: 1, b: { c: 2 } })).toBe('x y', { x: 1, y: { c: 2 } });
      expectObservable(merge(of(1, true), NEVER)).toBe('(1 true)');
      expectObservable(cold('1s #boom')).toBe('1s #boom');
      expectObservable(throwError(() => new RangeError('odd'))).toBe('#', {}, RangeError);
      expectObservable(throwError(() => new SkeinError('no-server', { topic: 'a' }))).toBe('#no-server');
      expectObservable(of({ id: 1, at: new Date() })).toBe('(a|)', { a: expect.objectContaining({ id: 1 }) as never });
    }));

  it('makes time virtual for timers, dates and promises of users, too', () =>
    marbles(async ({ hot, expectObservable, clock }) => {
      const startedAt = Date.now();
      expect(clock.now()).toBe(startedAt);
      const handled$ = hot('a 10s b').pipe(
        mergeMap(async (value) => {
          await sleep(3_000);
          await new Promise((resolve) => setTimeout(resolve, 2_000));
          return `${value}${String(Date.now() - startedAt)}`;
        }),
      );
      expectObservable(handled$).toBe('5s a5000 10s b15000');
      expectObservable(interval(1_000).pipe(take(3))).toBe('1s 0 1s 1 1s (2|)');
      expectObservable(of('x').pipe(delay(7, clock))).toBe('7ms (x|)');
      expectObservable(NEVER.pipe(timeout(50))).toBe('50ms #TimeoutError');
      const signal = AbortSignal.timeout(60_000);
      const stop = new AbortController();
      const stopped = sleep(1_000_000, 'never', { signal: stop.signal }).catch((error: unknown) => (error as Error).name);
      await sleep(60_000);
      expect({ aborted: signal.aborted, at: new Date().toISOString() }).toEqual({
        aborted: true,
        at: '2020-01-01T00:01:00.000Z',
      });
      stop.abort();
      expect(await stopped).toBe('AbortError');
    }));

  it('puts the real time back', async () => {
    const before = { setTimeout, Date, now: performance.now.bind(performance) };
    await marbles(() => {
      expect(setTimeout).not.toBe(before.setTimeout);
      expect(Date).not.toBe(before.Date);
    });
    await failureOf(() => {
      throw new Error('odd');
    });
    expect(setTimeout).toBe(before.setTimeout);
    expect(Date).toBe(before.Date);
    expect(Math.abs(Date.now() - new Date('2020-01-01').getTime())).toBeGreaterThan(86_400_000);
  });

  it('shows subscriptions, and subscribes when it is told', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source$ = cold('a 1s b 1s c');
      expectObservable(source$, '500ms ^ 1500ms !').toBe('500ms a 1s b');
      expectSubscriptions(source$).toBe('500ms ^ 1500ms !');
    }));

  it('shows no end of a subscription that is open until the play is over', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source$ = cold('a');
      expectObservable(source$).toBe('a');
      expectSubscriptions(source$).toBe('^');
    }));

  it('sees nothing that its subscription set for the instant at which it ends', () =>
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('5ms a'), '^ 5ms !').toBe('');
      expectObservable(cold('5ms a'), '1ms ^ 5ms !').toBe('');
      expectObservable(interval(5), '^ 5ms !').toBe('');
      expectObservable(interval(5), '^ 10ms !').toBe('5ms 0');
    }));

  it('shows demand, as values', () =>
    marbles(({ stream, expectObservable, expectDemand }) => {
      const work$ = stream('(abcd|)');
      const worked$ = work$.pipe(consume((value: string) => sleep(1_000).then(() => value), 2));
      expectObservable(worked$).toBe('1s (ab) 1s (cd|)');
      expectDemand(work$).toBe('2 1s (11)');
    }));

  it('takes what comes within the time that is allowed', () =>
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('a 2s b 1s c')).toBe('a within 3s b 1s c');
      expectObservable(hot('a 3s b 1s c')).toBe('a within 3s b 1s c');
      expectObservable(hot('a 3s b 1s c')).toBe('a 2s within 1s b 1s c');
    }));

  it.each([
    ['another time', 'a 5003ms b', 'a 5s b', ['  expected  a 5s b', '  seen      a 5003ms b', '              ^']],
    ['another value', 'a 5s x |', 'a 5s b |', ['  expected  a 5s b |', '  seen      a 5s x |', '              ^']],
    ['too little', 'a', 'a 5s b |', ['  expected  a 5s b |', '  seen      a', '              ^']],
    ['too much', 'a b c', 'a 5s (b|)', ['  expected  a 5s (b |)', '  seen      a b     c', '              ^']],
    ['too late', 'a 4s b', 'a within 3s b', ['  expected  a within 3s b', '  seen      a 4s b', '              ^']],
  ])('says where what is seen parts from what is expected: %s', async (_what, seen, expected, lines) => {
    const error = await failureOf(({ hot, expectObservable }) => {
      expectObservable(hot(seen)).toBe(expected);
    });
    expect(error).toBeInstanceOf(ScenarioError);
    expect(error.message).toMatch(/^expectObservable at test\/testing\/marbles\.test\.ts:\d+:\d+ sees something else:\n/);
    expect(partsOf(error).slice(0, 3)).toEqual(lines);
  });

  it('fails by what an async test throws, or a timer, or an expectation that is not said', async () => {
    const later = await failureOf(async () => {
      await sleep(50_000);
      expect(1).toBe(2);
    });
    expect(later.message).toMatch(/expected 1 to be 2/);
    const thrown = await failureOf(async () => {
      setTimeout(() => {
        throw new Error('in a timer');
      }, 10);
      await sleep(100);
    });
    expect(thrown.message).toBe('in a timer');
    expect((await failureOf(({ expectObservable }) => expectObservable(NEVER))).message).toMatch(/has no toBe/);
  });

  it('names what is left open, with where it was made', async () => {
    const subject = new Subject();
    const error = await failureOf(() => {
      subject.subscribe();
      setInterval(() => undefined, 500);
    });
    expect(error.message.split('\n\n')).toEqual([
      expect.stringMatching(/^a subscription is left open, made at test\/testing\/marbles\.test\.ts:\d+:\d+$/),
      expect.stringMatching(/^a timer is left running: setInterval of 500 ms, at test\/testing\/marbles\.test\.ts:\d+:\d+$/),
    ]);
    const endless = await failureOf(() => {
      interval(10).subscribe();
    });
    expect(endless.message).toContain('a timer is left running: setInterval of 10 ms, at test/testing/marbles.test.ts:');
  });

  it('ends a test that would never end, and says why', async () => {
    expect((await failureOf(() => new Promise(() => undefined))).message).toBe(
      'the steps of the scenario wait for what will never happen',
    );
    const endless = await failureOf(async () => {
      setInterval(() => undefined, 1_000);
      await new Promise(() => undefined);
    });
    expect(endless.message).toMatch(
      /^the steps of the scenario are not over after 600s of virtual time; still running: setInterval of 1000 ms, at test/,
    );
    const loop = await failureOf(async () => {
      const again = (): void => void setImmediate(again);
      again();
      await sleep(1);
    });
    expect(loop.message).toMatch(
      /^the steps of the scenario stand still at 0ms: more than \d+ events at .* without end; still running: .*setImmediate, at test/,
    );
  });

  it.each<[string, (world: MarbleWorld) => unknown]>([
    ['at once', ({ hot, expectObservable }) => expectObservable(hot('a')).toBe('')],
    ['a frame later', ({ expectObservable }) => expectObservable(concat(of('a'), timer(1))).toBe('a')],
    ['a second later', ({ hot, expectObservable }) => expectObservable(hot('a').pipe(debounceTime(1_000))).toBe('')],
    ['an error', ({ hot, expectObservable }) => expectObservable(hot('a 5s #')).toBe('a')],
    ['a completion', ({ hot, expectObservable }) => expectObservable(hot('a 9s |')).toBe('a')],
  ])('sees what comes after all that is expected: %s', async (_what, test) => {
    expect((await failureOf(test)).message).toMatch(/expected nothing more, and at .* came /);
  });

  it('plays what takes no time at all', () =>
    marbles(({ hot, cold, stream, expectObservable }) => {
      expectObservable(hot('a')).toBe('a');
      expectObservable(cold('(a|)')).toBe('(a|)');
      expectObservable(stream('(a|)')).toBe('(a|)');
      expectObservable(new Promise((resolve) => setImmediate(resolve, 'a'))).toBe('(a|)');
    }));

  it('fails by a rejection that nobody handles', async () => {
    const error = await failureOf(async () => {
      void sleep(10).then(() => {
        throw new Error('afloat');
      });
      await sleep(100);
    });
    expect(error.message).toBe('afloat');
  });

  it('plays one test at a time, and none within another', async () => {
    const order: string[] = [];
    const one = marbles(async () => {
      order.push('one begins');
      await sleep(1_000);
      order.push('one ends');
    });
    const two = marbles(() => void order.push('two'));
    await Promise.all([one, two]);
    expect(order).toEqual(['one begins', 'one ends', 'two']);
    const nested = await failureOf(() => marbles(() => undefined));
    expect(nested).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('cannot run within another') as string,
    });
  });

  it('refuses what is no diagram of its kind', async () => {
    const odd: ((world: MarbleWorld) => unknown)[] = [
      ({ hot }) => hot('a ^ b'),
      ({ cold }) => cold('within 3s a'),
      ({ expectObservable }) => expectObservable(NEVER, 'a'),
      ({ expectObservable }) => expectObservable(NEVER, '5s !'),
      ({ expectObservable }) => {
        expectObservable(NEVER).toBe('!');
      },
      ({ expectSubscriptions }) => expectSubscriptions(NEVER),
      ({ expectDemand }) => expectDemand(from([1]) as never),
    ];
    for (const test of odd) expect(await failureOf(test)).toMatchObject({ code: 'invalid-argument' });
  });

  it('plays what is subscribed late from its own first frame', () =>
    marbles(({ cold, expectObservable }) => {
      const part$ = cold('a 1s (b|)');
      expectObservable(
        timer(0, 5_000).pipe(
          take(2),
          concatMap(() => part$),
        ),
      ).toBe('1ms a 1s b 4s a 1s (b|)');
    }));

  it('shows no more of two long diagrams than is about where they part', async () => {
    const { message } = await failureOf(({ expectObservable }) => {
      expectObservable(interval(1).pipe(map((i) => `a${String(i % 10)}`))).toBe(
        `1ms ${'a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 '.repeat(9)}b`,
      );
    });
    const [expected = '', seen = '', sign = ''] = message.split('\n').filter((line) => line.startsWith('  '));
    expect(expected.length).toBeLessThan(300);
    expect(seen.length).toBeLessThan(300);
    expect(expected.slice(sign.indexOf('^'))).toBe('b');
    expect(seen.slice(sign.indexOf('^'))).toMatch(/^a0 .*a9 …$/);
  });
});
