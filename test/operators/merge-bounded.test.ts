import { concat, defer, EMPTY, map, NEVER, Observable, of, range, Subject, take, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { isSkeinError } from '../../lib/core/errors.js';
import { mergeBounded } from '../../lib/operators/merge-bounded.js';
import { marbles } from '../../lib/testing.js';

/** What a stream did that is over at once. */
const outcomeOf = <T>(source$: Observable<T>): { readonly values: T[]; readonly end: unknown } => {
  const values: T[] = [];
  let end: unknown = 'open';
  source$.subscribe({
    next: (value) => values.push(value),
    error: (error: unknown) => (end = error),
    complete: () => (end = 'complete'),
  });
  return { values, end };
};

/** Counts how many of it are subscribed at once. */
const counted = () => {
  const count = { now: 0, most: 0 };
  const watch = <T>(source$: Observable<T>): Observable<T> =>
    new Observable((subscriber) => {
      count.now += 1;
      count.most = Math.max(count.most, count.now);
      subscriber.add(() => (count.now -= 1));
      return source$.subscribe(subscriber);
    });
  return { count, watch };
};

describe('mergeBounded', () => {
  it('runs so many at once, and the others in order as soon as there is room', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = '  -abcd-----------|';
      const a = cold('   ------1|        ');
      const b = cold('    --2|           ');
      const c = cold('       -3-----5|   ');
      const d = cold('          --4|     ');
      const expected = '----2-31--4-5---|';
      const inner: Readonly<Record<string, Observable<string>>> = { a, b, c, d };
      expectObservable(hot(source).pipe(mergeBounded(2, (value) => inner[value] ?? EMPTY))).toBe(expected);
      expectSubscriptions(a).toBe('-^------!');
      expectSubscriptions(b).toBe('--^--!');
      expectSubscriptions(c).toBe('-----^-------!');
      expectSubscriptions(d).toBe('--------^--!');
    }));

  it('refuses counts that would have it wait for ever, all of them at once', () => {
    for (const count of [0, -1, 1.5, NaN]) {
      let refused: unknown;
      try {
        mergeBounded(count, () => EMPTY, count);
      } catch (error) {
        refused = error;
      }
      expect(isSkeinError(refused, 'invalid-argument') && refused.details.issues).toMatchObject([
        { message: `mergeBounded: concurrency is ${String(count)}: give a whole number from 1, or Infinity` },
        { message: `mergeBounded: max is ${String(count)}: give a whole number from 1, or Infinity` },
      ]);
    }
    expect(outcomeOf(of(1, 2).pipe(mergeBounded(Infinity, (value) => of(value))))).toEqual({ values: [1, 2], end: 'complete' });
  });

  it('completes when the source and all that it led to are over', () =>
    marbles(({ hot, cold, expectObservable }) => {
      const source = '  -ab|           ';
      const inner = '    ---x|         ';
      const expected = '----x---x|     ';
      expectObservable(hot(source).pipe(mergeBounded(1, () => cold(inner)))).toBe(expected);
      expectObservable(hot('--|').pipe(mergeBounded(1, () => cold(inner)))).toBe('--|');
    }));

  it('errors with the first inner error, and lets the others and the source go', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-abc----|');
      const a = cold('      --------|');
      const b = cold('       --- #broken');
      const expected = '    ----- #broken';
      expectObservable(source.pipe(mergeBounded(2, (value) => (value === 'a' ? a : b)))).toBe(expected);
      expectSubscriptions(source).toBe('^----!');
      expectSubscriptions(a).toBe('-^---!');
      expectSubscriptions(b).toBe('--^--!');
    }));

  it('errors with its source, and lets what it led to go', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = '  -a--- #broken';
      const a = cold('   --------|');
      const expected = '----- #broken';
      expectObservable(hot(source).pipe(mergeBounded(2, () => a))).toBe(expected);
      expectSubscriptions(a).toBe('-^---!');
    }));

  it('lets all go when it is unsubscribed, and starts nothing that waits', () =>
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-abc-----');
      const a = cold('      ---------');
      const until = '      ^----!';
      expectObservable(source.pipe(mergeBounded(2, () => a)), until).toBe('------');
      expectSubscriptions(source).toBe('^----!');
      expectSubscriptions(a).toBe('-^^--(!!)');
    }));

  it('errors with what the projection throws, and asks it no more', () => {
    let asked = 0;
    const broken = new Error('broken');
    const merged = of(1, 2, 3).pipe(
      mergeBounded(1, () => {
        asked += 1;
        throw broken;
      }),
    );
    expect(outcomeOf(merged)).toEqual({ values: [], end: broken });
    expect(asked).toBe(1);
  });

  it('takes promises and iterables, and numbers what it projects', async () => {
    const all: unknown[] = [];
    await of('a', 'b')
      .pipe(mergeBounded(1, (value, index) => Promise.resolve(`${value}${String(index)}`)))
      .forEach((value) => all.push(value));
    expect(all).toEqual(['a0', 'b1']);
    expect(outcomeOf(of(1).pipe(mergeBounded(1, () => [1, 2])))).toEqual({ values: [1, 2], end: 'complete' });
  });
});

describe('mergeBounded and its bounds', () => {
  const many = 100_000;

  it('does not overflow the stack with 100,000 projections that are over at once', () => {
    const gate$ = new Subject<never>();
    const { count, watch } = counted();
    const source$ = concat(of(-1), range(0, many));
    const merged = source$.pipe(mergeBounded(1, (n) => (n < 0 ? gate$ : watch(of(n))), many));
    let values = 0;
    let end = '';
    merged.subscribe({ next: () => (values += 1), complete: () => (end = 'complete') });
    expect(values).toBe(0);
    gate$.complete();
    expect({ values, end, most: count.most }).toEqual({ values: many, end: 'complete', most: 1 });
  });

  it('never runs more than so many at once', () => {
    const { count, watch } = counted();
    const inner = Array.from({ length: 50 }, () => new Subject<number>());
    range(0, 50)
      .pipe(mergeBounded(7, (n) => watch(inner[n] ?? EMPTY)))
      .subscribe();
    expect(count.now).toBe(7);
    for (const one of inner) one.complete();
    expect(count).toEqual({ now: 0, most: 7 });
  });

  it('errors with overloaded rather than hold more than so many', () => {
    const source$ = new Subject<number>();
    let end: unknown;
    source$.pipe(mergeBounded(1, () => NEVER, 3)).subscribe({ error: (error: unknown) => (end = error) });
    for (let n = 0; n < 4; n += 1) source$.next(n);
    expect(end).toBeUndefined();
    source$.next(4);
    expect(isSkeinError(end, 'overloaded')).toBe(true);
    expect(String(end)).toContain('more than 3 values wait');
    expect(source$.observed).toBe(false);
  });

  it('stops a source that has no end of its own once nobody wants more', () => {
    let asked = 0;
    const endless$ = new Observable<number>((subscriber) => {
      while (!subscriber.closed && asked < 1_000) subscriber.next((asked += 1));
    });
    expect(
      outcomeOf(
        endless$.pipe(
          mergeBounded(1, (n) => of(n)),
          take(3),
        ),
      ),
    ).toEqual({ values: [1, 2, 3], end: 'complete' });
    expect(asked).toBeLessThan(10);
    asked = 0;
    const broken = new Error('broken');
    const failing$ = endless$.pipe(mergeBounded(1, () => throwError(() => broken)));
    expect(outcomeOf(failing$)).toEqual({ values: [], end: broken });
    expect(asked).toBeLessThan(10);
  });

  it('stops a projection that has no end of its own once nobody wants more', () => {
    let asked = 0;
    const endless$ = new Observable<number>((subscriber) => {
      while (!subscriber.closed && asked < 1_000) subscriber.next((asked += 1));
    });
    expect(
      outcomeOf(
        of('a').pipe(
          mergeBounded(1, () => endless$),
          take(3),
        ),
      ).values,
    ).toEqual([1, 2, 3]);
    expect(asked).toBeLessThan(10);
  });

  it('takes in order what is offered while it hands on', () => {
    const source$ = new Subject<number>();
    const seen: number[] = [];
    source$.pipe(mergeBounded(1, (n) => of(n, n + 0.5))).subscribe((value) => {
      seen.push(value);
      if (value === 1) source$.next(2);
      if (value === 1.5) source$.next(3);
    });
    source$.next(1);
    expect(seen).toEqual([1, 1.5, 2, 2.5, 3, 3.5]);
  });

  it('can be run anew by each subscriber', () => {
    const merged = defer(() => of(1, 2)).pipe(
      mergeBounded(1, (n) => of(n)),
      map((n) => n * 2),
    );
    expect([outcomeOf(merged), outcomeOf(merged)]).toEqual([
      { values: [2, 4], end: 'complete' },
      { values: [2, 4], end: 'complete' },
    ]);
  });
});
