import { firstValueFrom, from, isObservable, map, merge, mergeMap, NEVER, Observable, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromDemand } from '../../lib/operators/stream.js';
import { marbles } from '../../lib/testing.js';
import { supply } from './supply.js';

describe('a stream that is subscribed', () => {
  it('never holds back', () => {
    const { stream, asked } = supply(1, 2, 3);
    const seen: number[] = [];
    stream.subscribe((value) => seen.push(value));
    expect([seen, asked]).toEqual([[1, 2, 3], [Infinity]]);
  });

  it('is cold, and an Observable to RxJS', async () => {
    const supplied = supply(1, 2, 3, 4);
    expect(supplied.opened).toBe(0);
    expect(isObservable(supplied.stream)).toBe(true);
    expect(await firstValueFrom(supplied.stream)).toBe(1);
    const rest$ = merge(of('x').pipe(mergeMap(() => supplied.stream)), from(supply('y').stream));
    expect(await firstValueFrom(rest$.pipe(toArray()))).toEqual([2, 3, 4, 'y']);
    expect([supplied.opened, supplied.open]).toEqual([2, 0]);
  });

  it('goes through RxJS operators, and through many', () =>
    marbles(({ hot, expectObservable }) => {
      const source$ = hot('-a-b-(c|)');
      const stream = fromDemand(() => source$);
      const upper$ = stream.pipe(map((value) => value.toUpperCase()));
      expectObservable(upper$).toBe('-A-B-(C|)');
      expectObservable(
        stream.pipe(
          map((value) => value.toUpperCase()),
          map((value) => `${value}!`),
        ),
      ).toBe('-x-y-(z|)', { x: 'A!', y: 'B!', z: 'C!' });
    }));

  it('has the rest of what an Observable has', async () => {
    const seen: number[] = [];
    await supply(1, 2).stream.forEach((value) => void seen.push(value));
    expect(seen).toEqual([1, 2]);
    // eslint-disable-next-line @typescript-eslint/no-deprecated, rxjs-x/no-topromise -- an Observable has it still
    expect(await supply(1, 2).stream.toPromise()).toBe(2);
    let isOver = false;
    // eslint-disable-next-line @typescript-eslint/no-deprecated, rxjs-x/prefer-observer -- an Observable has it still
    supply().stream.subscribe(null, null, () => (isOver = true));
    expect(isOver).toBe(true);
  });
});

describe('a stream that is iterated', () => {
  it('is asked for an item as the one before it is done', async () => {
    const supplied = supply('a', 'b', 'c');
    const seen: unknown[] = [];
    for await (const item of supplied.stream) seen.push([item, [...supplied.left]]);
    expect(seen).toEqual([
      ['a', ['b', 'c']],
      ['b', ['c']],
      ['c', []],
    ]);
    expect(supplied.asked).toEqual([1, 1, 1]);
    expect(supplied.open).toBe(0);
  });

  it('is let go at a break, and asked for no more', async () => {
    const supplied = supply('a', 'b', 'c');
    for await (const item of supplied.stream) {
      expect(item).toBe('a');
      break;
    }
    expect([supplied.left, supplied.open]).toEqual([['b', 'c'], 0]);
  });

  it('gives its error to whoever asks next, and then is over', async () => {
    const broken = fromDemand(
      (credit$) =>
        new Observable<string>((subscriber) =>
          credit$.subscribe(() => {
            subscriber.next('a');
            subscriber.error(new Error('broken'));
          }),
        ),
    );
    const items = broken[Symbol.asyncIterator]();
    expect(await items.next()).toEqual({ done: false, value: 'a' });
    await expect(items.next()).rejects.toThrow('broken');
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });

  it('gives what is asked for at once in order, and ends who still waits when it is let go', async () => {
    const items = supply('a', 'b').stream[Symbol.asyncIterator]();
    expect(await Promise.all([items.next(), items.next(), items.next()])).toEqual([
      { done: false, value: 'a' },
      { done: false, value: 'b' },
      { done: true, value: undefined },
    ]);
    const silent = fromDemand(() => NEVER)[Symbol.asyncIterator]();
    const waiting = silent.next();
    expect(await silent.return?.()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});
