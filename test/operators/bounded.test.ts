import { concat, interval, map, NEVER, of, range, take, tap, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { bounded, type BoundedPolicy, consume } from '../../lib/index.js';
import { marbles } from '../../lib/testing.js';

/** Takes 10 ms for each item. */
const slowly = consume((item: string) => timer(10).pipe(map(() => item)));

describe('bounded', () => {
  it.each<[BoundedPolicy, string]>([
    [{ overflow: 'drop-newest', max: 2 }, '10ms a 10ms b 10ms (c|)'],
    [{ overflow: 'drop-oldest', max: 2 }, '10ms a 10ms d 10ms (e|)'],
    [{ overflow: 'latest' }, '            10ms a 10ms (e|)'],
    [{ overflow: 'fail', max: 2 }, '      3ms #overloaded'],
    [{ overflow: 'fail' }, '              10ms a 10ms b 10ms c 10ms d 10ms (e|)'],
  ])('does with the item too many as it is told: %j', (policy, expected) =>
    marbles(({ hot, expectObservable }) => {
      const source = 'a b c d (e|)';
      expectObservable(bounded(hot(source), policy).pipe(slowly)).toBe(expected);
    }),
  );

  it('gives all at once to who holds nothing back', () =>
    marbles(({ cold, expectObservable }) => {
      const source = 'a 5s b 5s |';
      expectObservable(bounded(cold(source), { overflow: 'latest' })).toBe(source);
    }));

  it('gives what it holds before its source ends, and before its error', () =>
    marbles(({ cold, expectObservable }) => {
      const failing$ = throwError(() => new Error('x'));
      expectObservable(bounded(cold('(abc|)'), { overflow: 'fail' }).pipe(slowly)).toBe('10ms a 10ms b 10ms (c|)');
      expectObservable(bounded(concat(cold('(abc|)'), failing$), { overflow: 'fail' }).pipe(slowly)).toBe('10ms a 10ms (b #x)');
    }));

  it('has a buffer of its own for each subscription, and lets go of its source', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('a b c 5s |');
      const stream = bounded(source, { overflow: 'latest' });
      expectObservable(stream, '^ 10ms !').toBe('a b c');
      expectSubscriptions(source).toBe('(^^) 10ms (!!)');
      expectObservable(stream.pipe(slowly, take(1))).toBe('10ms (a|)');
    }));

  it('stops a source that would give without end as it is subscribed', () => {
    let given = 0;
    const endless$ = range(0, Infinity).pipe(tap(() => (given += 1)));
    let failure: unknown;
    consume(() => NEVER)(bounded(endless$, { overflow: 'fail', max: 3 })).subscribe({
      error: (error: unknown) => (failure = error),
    });
    expect(failure).toMatchObject({ code: 'overloaded' });
    expect(given).toBeLessThan(10);
  });

  it('can be iterated', () =>
    marbles(async () => {
      const seen: number[] = [];
      for await (const value of bounded(interval(10), { overflow: 'latest' })) {
        seen.push(value);
        if (seen.length === 3) break;
      }
      expect(seen).toEqual([0, 1, 2]);
    }));

  it.each([undefined, {}, { overflow: 'block' }, { overflow: 'fail', max: 0 }, { overflow: 'drop-oldest', max: 1.5 }])(
    'refuses what is no rule: %j',
    (policy) => {
      expect(() => bounded(of(1), policy as never)).toThrow('[invalid-argument]');
    },
  );
});
