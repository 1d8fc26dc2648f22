import { concat, defer, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { redial } from '../../lib/operators/redial.js';
import { Random } from '../../lib/ports/random.js';
import { marbles } from '../../lib/testing.js';

/** Chance that is always the same. */
class Chance extends Random {
  readonly #value: number;

  constructor(value: number) {
    super();
    this.#value = value;
  }

  override next(): number {
    return this.#value;
  }
}

/** Without jitter's upper half, waits are 2, 4, 8 and from then on 10 ms. */
const options = { backoff: { minMs: 4, maxMs: 20 }, random: new Chance(0) };

describe('redial', () => {
  it('subscribes again after an error, waiting longer after each failure in a row', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, clock }) => {
      const source = cold('#');
      const until = '       ^-------------------------------------!';
      const expected = '    ---------------------------------------';
      const subscribed = '  (^!) 2ms (^!) 4ms (^!) 8ms (^!) 10ms (^!) 10ms (^!)';
      expectObservable(source.pipe(redial({ ...options, clock })), until).toBe(expected);
      expectSubscriptions(source).toBe(subscribed);
    }));

  it('starts with the shortest wait again once a value came', () =>
    marbles(({ cold, expectObservable, clock }) => {
      const attempts = ['#', '#', 'a-#', '#', 'b|'];
      // Waits of 2 and 4 ms, then after a value of 2 and 4 again.
      const expected = '------a-------b|';
      const source = defer(() => cold(attempts.shift() ?? '|'));
      expectObservable(source.pipe(redial({ ...options, clock }))).toBe(expected);
    }));

  it('tells of each failure and of the wait behind it, before that begins', async () => {
    const gone = new Error('gone');
    const told: unknown[] = [];
    await marbles(({ cold, expectObservable, clock }) => {
      const startMs = clock.now();
      const onFailure = (error: unknown, waitMs: number): void => void told.push([clock.now() - startMs, error, waitMs]);
      const source = concat(
        cold('-|'),
        throwError(() => gone),
      );
      expectObservable(source.pipe(redial({ ...options, clock, onFailure })), '^ 10ms !').toBe('');
    });
    expect(told).toEqual([
      [1, gone, 2],
      [4, gone, 4],
      [9, gone, 8],
    ]);
  });

  it('leaves half of each wait to chance', () =>
    marbles(({ cold, expectObservable, clock }) => {
      let attempts = 0;
      const source = defer(() => (attempts++ === 0 ? cold('#') : of('a')));
      const expected = '---(a|)';
      expectObservable(source.pipe(redial({ ...options, random: new Chance(0.5), clock }))).toBe(expected);
    }));

  it('completes with its source', () =>
    marbles(({ cold, expectObservable, clock }) => {
      const source = '  a-b|';
      const expected = 'a-b|';
      expectObservable(cold(source).pipe(redial({ ...options, clock }))).toBe(expected);
    }));

  it('waits no more once it is unsubscribed', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, clock }) => {
      const source = cold('#');
      expectObservable(source.pipe(redial({ ...options, clock })), '^!').toBe('--');
      expectSubscriptions(source).toBe('(^!)');
    }));

  it('counts the failures of each subscription by themselves', () =>
    marbles(({ cold, expectObservable, clock }) => {
      let attempts = 0;
      const source = defer(() => cold(attempts++ < 2 ? '#' : '(a|)'));
      const dialled = source.pipe(redial({ ...options, clock }));
      expectObservable(dialled).toBe('--(a|)');
      expectObservable(dialled).toBe('--(a|)');
    }));
});
