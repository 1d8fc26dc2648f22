import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../lib/core/ring.js';

type Step = 'push' | 'shift' | 'pop' | 'peek' | 'drain' | 'retain' | 'remove';

const steps = fc.array(
  fc.constantFrom<Step>('push', 'push', 'push', 'push', 'push', 'shift', 'shift', 'pop', 'peek', 'drain', 'retain', 'remove'),
  {
    maxLength: 400,
  },
);

describe('Ring', () => {
  it('does what an array with a bound does', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 100 }), (plan, max) => {
        const ring = new Ring<number>(max);
        let model: number[] = [];
        plan.forEach((step, i) => {
          if (step === 'push') {
            expect(ring.push(i)).toBe(model.length < max);
            if (model.length < max) model.push(i);
          } else if (step === 'shift') expect(ring.shift()).toBe(model.shift());
          else if (step === 'pop') expect(ring.pop()).toBe(model.pop());
          else if (step === 'peek') expect([ring.peek(), ring.last()]).toEqual([model[0], model.at(-1)]);
          else if (step === 'drain') {
            expect(ring.drain()).toEqual(model);
            model = [];
          } else if (step === 'remove') {
            const at = model.findIndex((value) => value % 5 === 0);
            expect(ring.remove(model[at] ?? -1)).toBe(at >= 0);
            if (at >= 0) model.splice(at, 1);
          } else {
            const kept = model.filter((value) => value % 3 !== 0);
            expect(ring.retain((value) => value % 3 !== 0)).toBe(model.length - kept.length);
            model = kept;
          }
          expect(ring.size).toBe(model.length);
        });
        expect(ring.drain()).toEqual(model);
      }),
    );
  });

  it('refuses what is beyond its bound, and holds a backlog of 100,000', () => {
    const ring = new Ring<number>(100_000);
    const taken = Array.from({ length: 100_000 }, (_, i) => ring.push(i));
    expect(taken.every(Boolean)).toBe(true);
    expect(ring.push(100_000)).toBe(false);
    expect(ring.peek()).toBe(0);
    expect(ring.drain()).toHaveLength(100_000);
    expect(ring.peek()).toBeUndefined();
  });

  it('shows its values where they stand, oldest first, across the ends of its array', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.nat(40), (gone, pushed) => {
        const ring = new Ring<number>(100);
        for (let i = 0; i < gone; i += 1) ring.push(i);
        while (ring.size > 0) ring.shift();
        const values = Array.from({ length: pushed }, (_, i) => gone + i);
        for (const value of values) ring.push(value);
        expect([...ring]).toEqual(values);
        expect(values.map((_, i) => ring.at(i))).toEqual(values);
        expect([ring.at(pushed), ring.size]).toEqual([undefined, pushed]);
      }),
    );
  });
});
