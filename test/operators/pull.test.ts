import { setTimeout as sleep } from 'node:timers/promises';
import { concatMap, interval, of, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Source } from '../../lib/index.js';
import { pull } from '../../lib/operators/pull.js';
import { marbles } from '../../lib/testing.js';

const ask = (source: Source<string>) => pull(source, () => undefined);

/** Letters, one each 5 ms; says when it was let go of. */
const letters = (text: string) => {
  const seen = { asked: 0, isEnded: false };
  async function* give() {
    try {
      for (const letter of text) {
        seen.asked += 1;
        await sleep(5);
        yield letter;
      }
    } finally {
      seen.isEnded = true;
    }
  }
  return { seen, source: give() };
};

describe('pull', () => {
  it('gives no more of a list, or a generator, than it is asked for', () =>
    marbles(({ hot, expectObservable }) => {
      const credit = '  2ms 2 3ms 1 5ms 3';
      const expected = '2ms (ab) 3ms c 5ms (d|)';
      const values = { 1: 1, 2: 2, 3: 3 };
      const sources = [['a', 'b', 'c', 'd'], new Set(['a', 'b', 'c', 'd'])];
      for (const source of sources) {
        expectObservable(ask(source)(hot(credit, values))).toBe(expected);
      }
    }));

  it('asks an async iterable for one after the other, as long as any are wanted', () =>
    marbles(({ hot, expectObservable }) => {
      const credit = '  2 20ms 1 20ms 9';
      const expected = '5ms a 5ms b 15ms c 20ms (d|)';
      expectObservable(ask(letters('abcd').source)(hot(credit, { 2: 2, 1: 1, 9: 9 }))).toBe(expected);
    }));

  it('lets go of its source as it is unsubscribed', () =>
    marbles(async ({ hot, expectObservable }) => {
      const { seen, source } = letters('abcd');
      expectObservable(ask(source)(hot('1', { 1: 1 })), '^ 20ms !').toBe('5ms a');
      await sleep(30);
      expect(seen).toEqual({ asked: 1, isEnded: true });
    }));

  it('lets go of a list that can be let go of', () => {
    let isReturned = false;
    const over = { done: true, value: undefined } as const;
    const list: Iterable<string> = {
      [Symbol.iterator]: () => ({ next: () => ({ value: 'a' }), return: () => ((isReturned = true), over) }),
    };
    const items: string[] = [];
    ask(list)(of(3))
      .pipe(take(2))
      .subscribe((item) => items.push(item));
    expect({ items, isReturned }).toEqual({ items: ['a', 'a'], isReturned: true });
  });

  it('errors as its source does, however it throws', () =>
    marbles(({ expectObservable }) => {
      const fail = (): never => {
        throw new Error('x');
      };
      function* generated() {
        yield 'a';
        fail();
      }
      async function* generatedSlowly() {
        yield 'a';
        await sleep(5);
        fail();
      }
      const hostile: AsyncIterable<string> = { [Symbol.asyncIterator]: () => ({ next: fail }) };
      expectObservable(ask(generated())(of(5))).toBe('(a #x)');
      expectObservable(ask(generatedSlowly())(of(5))).toBe('a 5ms #x');
      expectObservable(ask(hostile)(of(5))).toBe('#x');
    }));

  it.each([interval(1), of(1).pipe(concatMap(() => of(1))), 'text', 5, null, undefined, {}, Promise.resolve([])])(
    'refuses what cannot be held back: %s',
    (source) => {
      expect(() => ask(source as never)).toThrow('[invalid-argument]');
    },
  );
});
