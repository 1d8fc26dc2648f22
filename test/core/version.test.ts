import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSkeinError } from '../../lib/core/errors.js';
import { isCompatible, isVersion, parseVersion } from '../../lib/core/version.js';

describe('parseVersion', () => {
  it.each([
    ['1', [1, 0, 0]],
    ['1.2', [1, 2, 0]],
    ['1.2.3', [1, 2, 3]],
    ['0.0.0', [0, 0, 0]],
    ['10.200.3000', [10, 200, 3_000]],
    ['999999999', [999_999_999, 0, 0]],
  ])('reads %s', (text, parts) => {
    expect(isVersion(text)).toBe(true);
    expect(parseVersion(text)).toEqual(parts);
  });

  it.each(['', '1.', '.1', '1.2.3.4', 'v1', '1.x', '01', '1.02', '-1', '1e3', ' 1', '1 ', '1.2-rc1', '1234567890', '١'])(
    'refuses "%s"',
    (text) => {
      expect(isVersion(text)).toBe(false);
      let error: unknown;
      try {
        parseVersion(text);
      } catch (thrown) {
        error = thrown;
      }
      expect(isSkeinError(error, 'invalid-argument')).toBe(true);
      expect(String(error)).toContain('is not a version: write major, major.minor or major.minor.patch');
    },
  );

  it('reads what three numbers make', () => {
    const part = fc.nat(999_999_999);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 3 }), (parts) => {
        const [major, minor = 0, patch = 0] = parts;
        expect(parseVersion(parts.join('.'))).toEqual([major, minor, patch]);
      }),
    );
  });
});

describe('isCompatible', () => {
  it.each([
    // wanted, implemented, compatible
    ['1', '1', true],
    ['1', '1.0.0', true],
    ['1.0', '1.2', true],
    ['1.2', '1.2', true],
    ['1.2', '1.2.9', true],
    ['1.2.3', '1.2.3', true],
    ['1.2.3', '1.2.2', false],
    ['1.2.3', '1.2', false],
    ['1.2.3', '1.3', true],
    ['1.2.9', '1.10', true],
    ['1.10', '1.9', false],
    ['1.3', '1.2.9', false],
    ['1', '2', false],
    ['2', '1', false],
    ['2', '1.9.9', false],
    ['0.1', '0.2', true],
    ['0', '1', false],
  ])('wanted %s, served %s: %s', (wanted, implemented, compatible) => {
    expect(isCompatible(parseVersion(wanted), parseVersion(implemented))).toBe(compatible);
  });
});
