import { describe, expect, it } from 'vitest';
import { Kind, type Resumption } from '../../lib/core/envelope.js';
import { HeldCasts } from '../../lib/mesh/held-casts.js';
import { TestRequest } from './mesh-world.js';

/** Casts of these ids were on a wire that was lost, behind others that had been counted; those that are settled have no sender any more. */
const held = (ids: readonly number[], { counted = 0, settled = [] as readonly number[] } = {}) => {
  const casts = ids.map((id) => new TestRequest(id, Infinity, Kind.cast));
  const open = new Set(casts.filter(({ id }) => !settled.includes(id)));
  const holding = new HeldCasts();
  holding.hold({ casts, open, counted });
  const resolve = (resumption: Resumption | undefined) => {
    const resolved = holding.resolve(resumption);
    return resolved && { accepted: resolved.accepted.map(({ id }) => id), missing: resolved.missing.map(({ id }) => id) };
  };
  return { holding, casts, resolve };
};

const told = (casts: number, id: number, refused: readonly number[] = []): Resumption => ({ casts, id, refused });

describe('the casts of a lost wire', () => {
  it('are settled by how many arrived: these are accepted, the others missing, in their order', () => {
    expect(held([3, 5, 7, 9]).resolve(told(2, 5))).toEqual({ accepted: [3, 5], missing: [7, 9] });
    expect(held([3, 5]).resolve(told(2, 5))).toEqual({ accepted: [3, 5], missing: [] });
  });

  it('count on from those that were accepted before', () => {
    expect(held([7, 9], { counted: 4 }).resolve(told(5, 7))).toEqual({ accepted: [7], missing: [9] });
    expect(held([7, 9], { counted: 4 }).resolve(told(4, 5))).toEqual({ accepted: [], missing: [7, 9] });
  });

  it('are missing where they arrived and were refused', () => {
    expect(held([3, 5, 7]).resolve(told(3, 7, [5]))).toEqual({ accepted: [3, 7], missing: [5] });
  });

  it('are of interest only to those who still wait', () => {
    expect(held([3, 5, 7], { settled: [5] }).resolve(told(2, 5))).toEqual({ accepted: [3], missing: [7] });
    const { casts, resolve } = held([3, 5]);
    casts[1]?.fail(new Error('withdrawn') as never);
    expect(resolve(told(0, 0))).toEqual({ accepted: [], missing: [3] });
  });

  it('are of unknown fate where nothing is said, or what is said does not fit what was sent', () => {
    expect(held([3, 5]).resolve(undefined)).toBeUndefined();
    expect(held([3, 5]).resolve(told(1, 5))).toBeUndefined();
    expect(held([3, 5]).resolve(told(3, 7))).toBeUndefined();
    expect(held([3, 5], { counted: 2 }).resolve(told(1, 1))).toBeUndefined();
  });

  it('are held until they are settled or given up, and not at all where no one waits', () => {
    const { holding, casts, resolve } = held([3, 5]);
    resolve(told(9, 9));
    expect(holding.isEmpty).toBe(false);
    expect(holding.clear()).toEqual(casts);
    expect([holding.isEmpty, holding.clear(), resolve(undefined)]).toEqual([true, [], { accepted: [], missing: [] }]);
    expect(held([3], { settled: [3] }).holding.isEmpty).toBe(true);
  });
});
