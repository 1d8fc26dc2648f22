import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSkeinError } from '../../lib/core/errors.js';
import { checkTarget, decodeTarget, encodeTarget } from '../../lib/core/target.js';

const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 255 })
  .filter((text) => text.isWellFormed() && Buffer.byteLength(text) <= 255);

const target = fc.record({ exchange: name, topic: name, server: fc.option(name, { nil: undefined }) });

const thrownBy = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

const reasonOf = (act: () => unknown): string => {
  const error = thrownBy(act);
  return isSkeinError(error, 'invalid-target') ? error.details.reason : `no invalid-target, but ${String(error)}`;
};

describe('encodeTarget', () => {
  it('is undone by decodeTarget, whatever the names', () => {
    fc.assert(
      fc.property(target, (one) => {
        expect(decodeTarget(encodeTarget(one))).toEqual(one);
      }),
    );
  });

  it('gives different targets different texts', () => {
    fc.assert(
      fc.property(target, target, (a, b) => {
        const isSame = a.exchange === b.exchange && a.topic === b.topic && a.server === b.server;
        expect(encodeTarget(a) === encodeTarget(b)).toBe(isSame);
      }),
    );
    expect(encodeTarget({ exchange: 'a/b', topic: 'c' })).not.toBe(encodeTarget({ exchange: 'a', topic: 'b/c' }));
    expect(encodeTarget({ exchange: 'a', topic: 'b', server: 'c' })).not.toBe(encodeTarget({ exchange: 'a', topic: 'b/c' }));
  });

  it('is a line of printable ASCII that says what it stands for', () => {
    expect(encodeTarget({ exchange: 'default', topic: 'compute', server: 'host-7@lvm' })).toBe('default/compute/host-7%40lvm');
    fc.assert(
      fc.property(target, (one) => {
        expect(encodeTarget(one)).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });
});

describe('decodeTarget', () => {
  it('refuses what encodeTarget never gives', () => {
    expect(reasonOf(() => decodeTarget('compute'))).toContain('is not exchange/topic');
    expect(reasonOf(() => decodeTarget('a/b/c/d'))).toContain('is not exchange/topic');
    expect(reasonOf(() => decodeTarget('a/%ff'))).toContain('is not percent-encoded UTF-8');
    expect(reasonOf(() => decodeTarget('a/%'))).toContain('is not percent-encoded UTF-8');
    expect(reasonOf(() => decodeTarget('a//b'))).toContain('the topic must not be empty');
    expect(reasonOf(() => decodeTarget(`a/${'b'.repeat(256)}`))).toContain('256 bytes');
  });

  it('throws nothing but invalid-target, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const outcome = thrownBy(() => decodeTarget(text));
        expect(isSkeinError(outcome, 'invalid-target') || encodeTarget(outcome as never).length > 0).toBe(true);
      }),
    );
  });
});

describe('checkTarget', () => {
  const check = (topic: unknown) => () => checkTarget({ exchange: 'default', topic: topic as string });

  it('takes names of up to 255 bytes of UTF-8', () => {
    expect(check('a'.repeat(255))()).toMatchObject({ topic: 'a'.repeat(255) });
    expect(reasonOf(check('a'.repeat(256)))).toBe('the topic has 256 bytes, and at most 255 are allowed');
    expect(check('🪿'.repeat(63))()).toMatchObject({ topic: '🪿'.repeat(63) });
    expect(reasonOf(check('🪿'.repeat(64)))).toBe('the topic has 256 bytes, and at most 255 are allowed');
  });

  it('refuses names that are empty, no text, or no Unicode', () => {
    expect(reasonOf(check(''))).toBe('the topic must not be empty');
    expect(reasonOf(check(7))).toBe('the topic must be a string');
    expect(reasonOf(check('a\ud800'))).toBe('the topic is not well-formed Unicode');
    expect(reasonOf(check('\udc00b'))).toBe('the topic is not well-formed Unicode');
  });

  it('lists every problem', () => {
    expect(reasonOf(() => checkTarget({ exchange: '', topic: '', server: '' }))).toBe(
      'the exchange must not be empty; the topic must not be empty; the server must not be empty',
    );
  });
});
