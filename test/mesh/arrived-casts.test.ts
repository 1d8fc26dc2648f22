import { describe, expect, it } from 'vitest';
import { limits } from '../../lib/core/limits.js';
import { ArrivedCasts } from '../../lib/mesh/arrived-casts.js';

describe('the casts that came by a wire', () => {
  it('are told by their number, the newest, and those that were refused', () => {
    const arrived = new ArrivedCasts();
    expect(arrived.read()).toEqual({ casts: 0, id: 0, refused: [] });
    for (const id of [4, 6, 9]) arrived.arrived(id);
    arrived.refused(6);
    expect(arrived.read()).toEqual({ casts: 3, id: 9, refused: [6] });
    expect(arrived.newest).toBe(9);
  });

  it('were not refused if they have come again since', () => {
    const arrived = new ArrivedCasts();
    arrived.arrived(4);
    arrived.refused(4);
    arrived.arrived(4);
    expect(arrived.read()).toEqual({ casts: 2, id: 4, refused: [] });
  });

  it('are not told any more once more were refused than is kept in mind, however many', () => {
    const arrived = new ArrivedCasts();
    const come = (id: number): void => {
      arrived.arrived(id);
      arrived.refused(id);
    };
    for (let id = 1; id <= limits.refusedCastsMax; id += 1) come(id);
    expect(arrived.read()?.refused).toHaveLength(limits.refusedCastsMax);
    for (let id = 1; id <= 10_000; id += 1) come(limits.refusedCastsMax + id);
    expect(arrived.read()).toBeUndefined();
  });
});
