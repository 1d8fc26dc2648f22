import { concat, defer, map, mergeMap, of, retry, startWith, Subject, take, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { passDemand } from '../../lib/operators/pass-demand.js';
import { pull } from '../../lib/operators/pull.js';
import { demand, fromDemand, type Produce } from '../../lib/operators/stream.js';
import { marbles } from '../../lib/testing.js';

const letters = (): Produce<string> => pull(['a', 'b', 'c', 'd'], () => undefined);

describe('passDemand', () => {
  it('asks for what is wanted, through operators that know nothing of it', () =>
    marbles(({ hot, expectObservable }) => {
      const credit = '  2 5ms 1 5ms 9';
      const expected = '(AB) 5ms C 5ms (D|)';
      const shout = passDemand((asked$) => letters()(asked$).pipe(map((letter) => letter.toUpperCase())));
      expectObservable(shout(hot(credit, { 2: 2, 1: 1, 9: 9 }))).toBe(expected);
    }));

  it('keeps what is wanted for who subscribes later, or anew', () =>
    marbles(({ expectObservable }) => {
      const later = passDemand((asked$) =>
        timer(10).pipe(() => defer(() => concat(timer(10).pipe(map(() => 'late')), letters()(asked$)))),
      );
      expectObservable(later(of(3))).toBe('10ms (late a b)');
      let attempts = 0;
      const flaky = passDemand((asked$) =>
        defer(() => {
          attempts += 1;
          return attempts === 1
            ? concat(
                pull(['x'], () => undefined)(asked$),
                throwError(() => new Error('once')),
              )
            : letters()(asked$);
        }).pipe(retry(1)),
      );
      expectObservable(flaky(of(3))).toBe('(xab)');
    }));

  it('may be asked while it gives, and is asked for everything by who holds nothing back', () => {
    const seen: string[] = [];
    const more$ = new Subject<number>();
    passDemand((asked$) => letters()(asked$))(more$).subscribe((item) => {
      seen.push(item);
      if (seen.length < 3) more$.next(1);
    });
    more$.next(1);
    expect(seen).toEqual(['a', 'b', 'c']);
    const all: string[] = [];
    fromDemand(passDemand((asked$) => letters()(asked$))).subscribe((item) => all.push(item));
    expect(all).toEqual(['a', 'b', 'c', 'd']);
    expect(demand in fromDemand(letters())).toBe(true);
  });

  it('hands out no more than is wanted where they add some, and asks for what is missing all the same', () => {
    const seen: string[] = [];
    const more$ = new Subject<number>();
    passDemand((asked$) => letters()(asked$).pipe(startWith('x', 'y', 'z')))(more$).subscribe((item) => {
      seen.push(item);
      if (item === 'y') more$.next(1);
    });
    more$.next(1);
    expect(seen).toEqual(['x']);
    // What waits is handed out while more is asked for.
    more$.next(2);
    expect(seen).toEqual(['x', 'y', 'z', 'a']);
    more$.next(9);
    expect(seen).toEqual(['x', 'y', 'z', 'a', 'b', 'c', 'd']);
  });

  it('tells an error behind what waits, unless it is one that does not', () => {
    const heard = (waits?: (error: unknown) => boolean): readonly string[] => {
      const all: string[] = [];
      const more$ = new Subject<number>();
      const failing = passDemand(
        (asked$) =>
          concat(
            letters()(asked$).pipe(take(1)),
            throwError(() => new Error('failed')),
          ).pipe(mergeMap((letter) => [letter, letter, letter])),
        waits,
      );
      failing(more$).subscribe({
        next: (letter) => all.push(letter),
        error: (error: unknown) => all.push((error as Error).message),
      });
      more$.next(1);
      all.push('more');
      more$.next(9);
      return all;
    };
    expect(heard()).toEqual(['a', 'more', 'a', 'a', 'failed']);
    expect(heard(() => false)).toEqual(['a', 'failed', 'more']);
  });

  it('ends behind what waits', () =>
    marbles(({ hot, expectObservable }) => {
      const credit = '  1 5ms 2 5ms 2 5ms 9';
      const expected = 'a 5ms (ab) 5ms (bc) 5ms (cdd|)';
      const twice = passDemand((asked$) => letters()(asked$).pipe(mergeMap((letter) => [letter, letter])));
      expectObservable(twice(hot(credit, { 1: 1, 2: 2, 9: 9 }))).toBe(expected);
    }));
});
