import { setTimeout as sleep } from 'node:timers/promises';
import { concat, delay, finalize, map, NEVER, Observable, of, range, take, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { limits } from '../../lib/core/limits.js';
import { consume } from '../../lib/operators/consume.js';
import { demand } from '../../lib/operators/stream.js';
import { marbles } from '../../lib/testing.js';
import { supply } from './supply.js';

describe('consume', () => {
  it('works on one item at a time, and leaves the others where they are', () =>
    marbles(async ({ clock, expectObservable }) => {
      const { stream, asked, left } = supply('a', 'b', 'c');
      const work$ = stream.pipe(consume((item) => timer(3, clock).pipe(map(() => item.toUpperCase()))));
      expectObservable(work$).toBe('---A--B--(C|)');
      const idle = work$[demand](NEVER).subscribe();
      expect(left).toEqual(['a', 'b', 'c']);
      await sleep(20);
      expect(asked).toEqual([1, 1, 1]);
      idle.unsubscribe();
    }));

  it('works on as many as it may, and gives results as they are ready', () =>
    marbles(async ({ cold, expectObservable }) => {
      const works = { a: cold('-----a|'), b: cold('-b|'), c: cold('--c|'), d: cold('-d|') };
      const { stream, asked } = supply<keyof typeof works>('a', 'b', 'c', 'd');
      expectObservable(stream.pipe(consume((name) => works[name], 2))).toBe('-b--cad|');
      await sleep(20);
      expect(asked[0]).toBe(2);
    }));

  it('asks for another item only once one is done', () =>
    marbles(({ clock }) => {
      const { stream, left } = supply(1, 2, 3, 4, 5);
      const working = stream.pipe(consume((item) => of(item).pipe(delay(10, clock)), 3)).subscribe();
      expect(left).toEqual([4, 5]);
      working.unsubscribe();
    }));

  it('keeps demand: of what follows it, and of what it follows', () =>
    marbles(({ hot, clock, expectObservable }) => {
      const { stream } = supply('a', 'b', 'c');
      const credit$ = hot('  -1-----2-|', { 1: 1, 2: 2 });
      const one = stream.pipe(consume((item) => timer(1, clock).pipe(map(() => item)), 8));
      const two = one.pipe(consume((item) => of(item.toUpperCase()), 8));
      expectObservable(two[demand](credit$)).toBe('--A-----(BC|)');
    }));

  it('holds what nobody wants yet, in order', () =>
    marbles(({ hot, expectObservable }) => {
      const { stream, left } = supply('a', 'b');
      const three = stream.pipe(consume((item) => of(`${item}1`, `${item}2`, `${item}3`)));
      const credit$ = hot('-x--x-y', { x: 1, y: 9 });
      const values = { a: 'a1', b: 'a2', c: 'a3', d: 'b1', e: 'b2', f: 'b3' };
      expectObservable(three[demand](credit$)).toBe('-a--b-(cdef|)', values);
      expect(left).toEqual(['a', 'b']);
    }));

  it('errors rather than hold more than a bound', () => {
    const { stream } = supply('a');
    const seen: unknown[] = [];
    const results = stream.pipe(consume(() => range(0, limits.waitingMax + 2)));
    results[demand](of(1)).subscribe({ error: (error: unknown) => seen.push(error) });
    expect(seen).toMatchObject([{ code: 'overloaded' }]);
  });

  it('takes promises, and fails with what fails', async () => {
    const { stream, left } = supply(1, 2, 3);
    const seen: unknown[] = [];
    const work$ = stream.pipe(
      consume(async (item) => {
        await Promise.resolve();
        if (item === 2) throw new RangeError('two');
        return item;
      }),
    );
    await expect(work$.forEach((item) => void seen.push(item))).rejects.toThrow('two');
    expect([seen, left]).toEqual([[1], [3]]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['errors', () => throwError(() => new Error('no'))],
  ])('errors when a projection %s', (_how, project) => {
    const supplied = supply(1, 2);
    const seen: unknown[] = [];
    supplied.stream.pipe(consume(project)).subscribe({ error: (error: unknown) => seen.push(error) });
    expect([seen, supplied.left, supplied.open]).toEqual([[new Error('no')], [2], 0]);
  });

  it('counts its items', () => {
    const { stream } = supply('a', 'b');
    const seen: unknown[] = [];
    stream.pipe(consume((item, index) => of([item, index]))).subscribe((pair) => seen.push(pair));
    expect(seen).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
  });

  it('lets go of everything when it is unsubscribed', () => {
    const log: string[] = [];
    const supplied = supply('a', 'b', 'c');
    supplied.stream
      .pipe(
        consume((item) => concat(of(item), NEVER).pipe(finalize(() => log.push(`${item} stops`))), 2),
        take(2),
      )
      .subscribe();
    expect([log, supplied.open]).toEqual([['a stops', 'b stops'], 0]);
  });

  it('stops a projection that emits without end', () => {
    const endless$ = new Observable<number>((subscriber) => {
      for (let i = 0; !subscriber.closed; i += 1) subscriber.next(i);
    });
    const seen: number[] = [];
    supply('a')
      .stream.pipe(
        consume(() => endless$),
        take(3),
      )
      .subscribe((value) => seen.push(value));
    expect(seen).toEqual([0, 1, 2]);
  });

  it('takes no stack for items that are done at once', () => {
    const count = 50_000;
    let done = 0;
    const many = supply(...Array.from({ length: count }, (_, i) => i));
    many.stream
      .pipe(
        consume((item) => of(item), 3),
        consume((item) => of(item)),
      )
      .subscribe(() => (done += 1));
    expect(done).toBe(count);
  });

  it('refuses what is no count', () => {
    for (const concurrency of [0, -1, 1.5, NaN]) {
      expect(() => consume(() => of(1), concurrency)).toThrow(
        `[invalid-argument] consume: concurrency is ${String(concurrency)}: give a whole number from 1, or Infinity`,
      );
    }
  });
});
