import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash32, mix32 } from '../../lib/core/hash.js';

describe('a text hash', () => {
  it('is a whole number of 32 bits, the same for the same text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const hash = hash32(text);
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
        expect(hash32(text.slice(0, 1) + text.slice(1))).toBe(hash);
      }),
    );
  });

  it('is FNV-1a as published, mixed', () => {
    // From the test vectors of the FNV reference code.
    expect(hash32('')).toBe(mix32(0x811c9dc5));
    expect(hash32('a')).toBe(mix32(0xe40c292c));
    expect(hash32('foobar')).toBe(mix32(0xbf9cf968));
  });

  it('spreads names that differ by a digit over all buckets', () => {
    const buckets = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i += 1) {
      const at = hash32(`order-${String(i)}`) >>> 26;
      buckets[at] = (buckets[at] ?? 0) + 1;
    }
    // Chi-squared with 63 degrees of freedom: more than 103 has a chance of one in a thousand.
    expect(buckets.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0)).toBeLessThan(103);
  });

  it('changes half of its bits when one bit of what is mixed changes', () => {
    let changed = 0;
    for (let i = 0; i < 1_000; i += 1) {
      const bits = mix32(i * 7_919);
      for (let bit = 0; bit < 32; bit += 1) {
        for (let left = (mix32(bits) ^ mix32(bits ^ (1 << bit))) >>> 0; left > 0; left >>>= 1) changed += left & 1;
      }
    }
    expect(changed / 32_000).toBeGreaterThan(15.8);
    expect(changed / 32_000).toBeLessThan(16.2);
  });
});
