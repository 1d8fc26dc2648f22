import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../lib/core/backoff.js';

const backoff = { minMs: 50, maxMs: 5_000 };

describe('backoffMs', () => {
  it('doubles with each attempt up to its bound', () => {
    const wholes = Array.from({ length: 9 }, (_, attempt) => backoffMs(attempt, backoff, 1));
    expect(wholes).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });

  it('leaves the upper half of each wait to chance', () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, chance) => {
        const waitMs = backoffMs(attempt, backoff, chance);
        const wholeMs = Math.min(5_000, 50 * 2 ** attempt);
        expect(waitMs).toBeGreaterThanOrEqual(wholeMs / 2);
        expect(waitMs).toBeLessThanOrEqual(wholeMs);
        expect(waitMs).toBeCloseTo(wholeMs / 2 + (wholeMs / 2) * chance);
      }),
    );
  });
});
