import { describe, expect, it } from 'vitest';
import { pollUntil } from '../../lib/operators/poll-until.js';
import { marbles } from '../../lib/testing.js';

const answers = { t: true, f: false };

describe('pollUntil', () => {
  it('says at once what is so already', () =>
    marbles(({ expectObservable, clock }) => {
      expectObservable(pollUntil(() => true, { everyMs: 2, withinMs: 9, clock })).toBe('(t|)', answers);
    }));

  it('asks every so often until it is so', () =>
    marbles(({ expectObservable, clock }) => {
      const startedAt = clock.now();
      const isSo = (): boolean => clock.now() - startedAt >= 5;
      expectObservable(pollUntil(isSo, { everyMs: 2, withinMs: 9, clock })).toBe('------(t|)', answers);
    }));

  it('gives up when the time is up', () =>
    marbles(({ expectObservable, clock }) => {
      expectObservable(pollUntil(() => false, { everyMs: 2, withinMs: 9, clock })).toBe('---------(f|)', answers);
    }));

  it('asks once more as the time is up', () =>
    marbles(({ expectObservable, clock }) => {
      const startedAt = clock.now();
      const isSo = (): boolean => clock.now() - startedAt >= 3;
      expectObservable(pollUntil(isSo, { everyMs: 10, withinMs: 5, clock })).toBe('-----(t|)', answers);
    }));

  it('asks no more once nobody listens', async () => {
    let asked = 0;
    const count = (): boolean => {
      asked += 1;
      return false;
    };
    await marbles(({ expectObservable, clock }) => {
      expectObservable(pollUntil(count, { everyMs: 2, withinMs: 90, clock }), '^---!').toBe('-----');
    });
    expect(asked).toBe(2);
  });
});
