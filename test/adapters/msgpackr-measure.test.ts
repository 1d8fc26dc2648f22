import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { type Envelope, Kind } from '../../lib/core/envelope.js';
import type { SkeinError } from '../../lib/core/errors.js';
import { isSkeinError } from '../../lib/core/errors.js';
import { limits } from '../../lib/core/limits.js';

const codec = new MsgpackrCodec();

const replyWith = (payload: unknown, bytes = 0): Envelope => ({ kind: Kind.reply, id: 1, payload, bytes });

/** How many bytes a payload takes in a batch. */
const encodedBytes = (payload: unknown): number => {
  const size = (value: unknown): number => codec.encode([replyWith(value)])[0]?.byteLength ?? 0;
  return size(payload) - size(null) + 1;
};

const invalidOf = (payload: unknown): SkeinError<'invalid-argument'>['details']['issues'] => {
  try {
    codec.measure(payload);
  } catch (error) {
    if (isSkeinError(error, 'invalid-argument')) return error.details.issues;
    throw error;
  }
  throw new Error('it measured');
};

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ unit: fc.integer({ min: 0xd700, max: 0xe000 }).map((unit) => String.fromCharCode(unit)) }),
);

/** Everything that may be sent. */
const { value: sendable } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.constantFrom(null, undefined, true, false, 0, -0, '', NaN, Infinity, -Infinity),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(text, tie('value'), { maxKeys: 20, noNullPrototype: false }),
  ),
}));

describe('measure', () => {
  it('is never less than what the payload takes', () => {
    fc.assert(
      fc.property(sendable, (payload) => {
        expect(encodedBytes(payload)).toBeLessThanOrEqual(codec.measure(payload));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is not much more, for what is more than a few small numbers', () => {
    fc.assert(
      fc.property(sendable, (payload) => {
        const bytes = encodedBytes(payload);
        expect(codec.measure(payload)).toBeLessThanOrEqual(Math.max(32, bytes * 6));
      }),
      { numRuns: 500 },
    );
    const record = { id: 4_711, name: 'host-7@lvm', isUp: true, load: 0.75, tags: ['a', 'bb'], since: new Date(0) };
    for (const payload of [{ a: 1, b: 'hello' }, record, Array(100).fill(record), 'x'.repeat(1_000), 'ü'.repeat(50)]) {
      expect(codec.measure(payload)).toBeLessThanOrEqual(encodedBytes(payload) * 4);
    }
  });

  it('is to the byte for large bytes and texts, but for their headers', () => {
    expect(codec.measure(new Uint8Array(1_000_000)) - 1_000_000).toBeLessThanOrEqual(5);
    expect(codec.measure('🪿'.repeat(100_000)) - 400_000).toBeLessThanOrEqual(5);
  });

  it('refuses what is larger than may be sent', () => {
    expect(codec.measure(new Uint8Array(64 * 1024 * 1024))).toBeGreaterThanOrEqual(64 * 1024 * 1024);
    let error: unknown;
    try {
      codec.measure([new Uint8Array(limits.payloadBytesMax / 2), new Uint8Array(limits.payloadBytesMax / 2)]);
    } catch (thrown) {
      error = thrown;
    }
    expect(isSkeinError(error, 'payload-too-large') && error.details.bytesMax).toBe(limits.payloadBytesMax);
  });

  it('says what cannot be sent, and where it stands', () => {
    const cases: readonly (readonly [payload: unknown, path: readonly PropertyKey[], message: string])[] = [
      [() => 1, [], 'a function cannot be sent'],
      [{ a: [1, Symbol('s')] }, ['a', 1], 'a symbol cannot be sent'],
      [{ a: { b: new Set([1]) } }, ['a', 'b'], 'a Set cannot be sent: turn it into an array or a plain object'],
      [[new Map()], [0], 'a Map cannot be sent: turn it into an array or a plain object'],
      [{ a: new Error('no') }, ['a'], 'a Error cannot be sent: turn it into an array or a plain object'],
      [{ a: /x/ }, ['a'], 'a RegExp cannot be sent: turn it into an array or a plain object'],
      [{ a: new Float32Array(2) }, ['a'], 'a Float32Array cannot be sent: turn it into an array or a plain object'],
      [[Promise.resolve()], [0], 'a Promise cannot be sent: turn it into an array or a plain object'],
      [{ n: 2n ** 64n }, ['n'], 'a bigint of more than 64 bits cannot be sent'],
      [{ n: -(2n ** 63n) - 1n }, ['n'], 'a bigint of more than 64 bits cannot be sent'],
      [[new Date(NaN)], [0], 'an invalid Date cannot be sent'],
    ];
    for (const [payload, path, message] of cases) expect(invalidOf(payload)).toEqual([{ message, path }]);
  });

  it('refuses cycles, and what is nested too deep', () => {
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    expect(invalidOf(cycle)[0]?.message).toBe('nested deeper than 256, or in a cycle');
    const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
    expect(codec.measure(nest(limits.depthMax))).toBeGreaterThan(limits.depthMax);
    expect(invalidOf(nest(limits.depthMax + 1))[0]?.path).toHaveLength(limits.depthMax);
  });

  it('takes objects of classes for their own fields, or for what their toJSON gives', () => {
    class Point {
      readonly x = 1;
      readonly y = [2];
    }
    const json = { toJSON: (): unknown => ({ at: 'noon' }) };
    class Clock {
      readonly toJSON = json.toJSON;
    }
    for (const payload of [new Point(), new Clock(), Object.assign(Object.create(null) as object, { a: 1 })]) {
      expect(encodedBytes(payload)).toBeLessThanOrEqual(codec.measure(payload));
    }
    expect(codec.decode(codec.encode([replyWith([new Point(), new Clock()])]))).toMatchObject([
      { payload: [{ x: 1, y: [2] }, { at: 'noon' }] },
    ]);
  });
});

describe('what travels', () => {
  const travelled = (payload: unknown): unknown => {
    const [envelope] = codec.decode(codec.encode([replyWith(payload, codec.measure(payload))]));
    return envelope?.kind === Kind.reply ? envelope.payload : 'no reply';
  };

  /** What the documented normalisations make of a value. */
  const normal = (value: unknown): unknown => {
    if (value === undefined) return null;
    if (value === 0) return 0;
    if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
    if (Array.isArray(value)) return value.map(normal);
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, normal(field)]));
  };

  const wellFormed = (value: unknown): boolean => {
    if (typeof value === 'string') return value.isWellFormed();
    if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value) || Math.abs(value) > 2 ** 53;
    if (typeof value !== 'object' || value === null) return true;
    if (value instanceof Date || value instanceof Uint8Array) return true;
    return Object.entries(value).every(([key, field]) => wellFormed(key) && key !== '__proto__' && wellFormed(field));
  };

  it('is what was sent, but for undefined, which arrives as null, and -0, which arrives as 0', () => {
    fc.assert(
      fc.property(sendable.filter(wellFormed), (payload) => {
        expect(travelled(payload)).toEqual(normal(payload));
      }),
      { numRuns: 500 },
    );
    expect(Object.is(travelled(-0), 0)).toBe(true);
    expect(travelled({ a: undefined })).toEqual({ a: null });
  });

  it('keeps the millisecond of a date, of any year', () => {
    for (const ms of [0, 1, -1, 999, 1_700_000_000_123, -62_198_755_200_000, 8.64e15, -8.64e15]) {
      expect(travelled(new Date(ms))).toEqual(new Date(ms));
    }
  });

  it('is no view of the message where it is small, and of its own frame where it is large', () => {
    const frames = codec.encode([replyWith(new Uint8Array(10), 15)]);
    const [small] = codec.decode(frames);
    const bytes = (small as { readonly payload: Uint8Array }).payload;
    expect(bytes.buffer).not.toBe(frames[0]?.buffer);
    const large = new Uint8Array(limits.framedBytesMin);
    const sent = codec.encode([replyWith(large, codec.measure(large))]);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toBe(large);
    const [whole] = codec.decode(sent);
    const { payload } = whole as { readonly payload: Uint8Array };
    expect([payload.buffer === large.buffer, payload.byteLength]).toEqual([true, large.byteLength]);
  });
});
