import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { type Envelope, Kind } from '../../lib/core/envelope.js';
import { isSkeinError } from '../../lib/core/errors.js';

const codec = new MsgpackrCodec();

const sound = codec.encode([{ kind: Kind.reply, id: 7, payload: { a: 1, b: 'hello' }, bytes: 0 }]);

/** Reads the message, which must yield envelopes or one of the two typed refusals, and leave the codec sound. */
const outcomeOf = (frames: readonly Uint8Array[]): readonly Envelope[] | string => {
  try {
    return codec.decode(frames);
  } catch (error) {
    if (isSkeinError(error, 'protocol-error', 'unsupported-version')) return error.code;
    throw error;
  } finally {
    expect(codec.decode(sound)).toMatchObject([{ id: 7, payload: { a: 1, b: 'hello' } }]);
  }
};

const kinds = Object.values(Kind);

/** Envelopes with one of each kind of field, as a peer may send them. */
const envelope: fc.Arbitrary<Envelope> = fc
  .record({ kind: fc.constantFrom(...kinds), count: fc.nat(), text: fc.string(), payload: fc.jsonValue() })
  .chain(({ kind, count, text, payload }): fc.Arbitrary<Envelope> => {
    const error = { code: 'remote-error', message: text, details: payload };
    const greeting = { major: 1, node: text, incarnation: text, features: [text], heartbeatMs: count };
    const all: Partial<Record<Kind, Envelope>> = {
      [Kind.call]: { kind: Kind.call, id: count, method: 0, ttlMs: count, payload, bytes: 0, meta: { context: { text } } },
      [Kind.cast]: { kind: Kind.cast, id: count, method: 0, ttlMs: count, payload, bytes: 16_384, meta: undefined },
      [Kind.reply]: { kind: Kind.reply, id: count, payload, bytes: 0 },
      [Kind.error]: { kind: Kind.error, id: count, error: { ...error, cause: error } },
      [Kind.refuse]: { kind: Kind.refuse, id: count, error },
      [Kind.accept]: { kind: Kind.accept, count, id: count },
      [Kind.credit]: { kind: Kind.credit, count },
      [Kind.done]: { kind: Kind.done, id: count },
      [Kind.cancel]: { kind: Kind.cancel, id: count },
      [Kind.hello]: { kind: Kind.hello, ...greeting },
      [Kind.welcome]: { kind: Kind.welcome, ...greeting, credit: count },
      [Kind.goodbye]: { kind: Kind.goodbye, code: text, reason: text },
    };
    return fc.constant(all[kind] ?? { kind: Kind.heartbeat });
  });

const message = fc.array(envelope, { minLength: 1, maxLength: 20 }).map((batch) => codec.encode(batch));

const item: fc.Arbitrary<Envelope> = fc
  .record({ id: fc.integer({ min: 1, max: 2 }), payload: fc.oneof(fc.uint8Array({ maxLength: 600 }), fc.string()) })
  .map(({ id, payload }) => ({ kind: Kind.item, id, payload, bytes: codec.measure(payload), cost: 1 }));

describe('the codec and items', () => {
  it('gives each back as it was, in order, with bytes that are its own', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 60 }), (items) => {
        const back = codec.decode(codec.encode(items));
        expect(back).toEqual(items.map((sent) => ({ ...sent, bytes: 0 })));
        const memories = back.flatMap((envelope) =>
          envelope.kind === Kind.item && envelope.payload instanceof Uint8Array ? [envelope.payload.buffer] : [],
        );
        expect(new Set(memories).size).toBe(memories.length);
      }),
    );
  });
});

describe('the codec and items whose bytes are gone', () => {
  it('says of each that its bytes are gone', () => {
    const items = Array.from({ length: 4 }, (): Envelope => {
      const payload = new Uint8Array(20_000);
      const weighed = { payload, bytes: codec.measure(payload) };
      structuredClone(payload.buffer, { transfer: [payload.buffer] });
      return { kind: Kind.item, id: 5, cost: 3, ...weighed };
    });
    expect(() => codec.encode(items)).toThrow('they were transferred');
  });
});

describe('the codec and hostile bytes', () => {
  it('takes any bytes at all for what they are, or refuses them', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 3 }), (frames) => {
        outcomeOf(frames);
      }),
      { numRuns: 3_000 },
    );
  });

  it('takes any batch of random fields for what it is, or refuses it', () => {
    const field = fc.oneof(fc.nat(160), fc.integer(), fc.string(), fc.anything({ withDate: true, withBigInt: true }));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), fc.array(fc.uint8Array(), { maxLength: 2 }), (fields, frames) => {
        let batch: Uint8Array;
        try {
          batch = pack([1, ...fields]);
        } catch {
          return;
        }
        outcomeOf([batch, ...frames]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses every message that is cut short', () => {
    fc.assert(
      fc.property(message, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), ([batch = new Uint8Array()], part) => {
        expect(outcomeOf([batch.subarray(0, Math.floor(batch.length * part))])).toBe('protocol-error');
      }),
    );
  });

  it('takes every message with a byte changed for what it is, or refuses it', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), ([batch = new Uint8Array(), ...others], at, byte) => {
        const changed = Uint8Array.from(batch);
        changed[at % changed.length] = byte;
        outcomeOf([changed, ...others]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('refuses every message with a frame too many or too few', () => {
    fc.assert(
      fc.property(message, (frames) => {
        expect(outcomeOf([...frames, new Uint8Array(1)])).toBe('protocol-error');
        if (frames.length > 1) expect(outcomeOf(frames.slice(0, -1))).toBe('protocol-error');
      }),
    );
  });

  it('allocates nothing for what a head only claims to be there', () => {
    const claims = ['dd7fffffff', 'df7fffffff', 'db7fffffff', 'c67fffffff', 'c97fffffff01'];
    const before = process.memoryUsage().rss;
    for (const claim of claims) {
      for (let i = 0; i < 100; i += 1) expect(outcomeOf([Buffer.from(`94011201${claim}`, 'hex')])).toBe('protocol-error');
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('makes no items of a run that has more than a message may have', () => {
    const lengths = Array<number>(8_000_000).fill(0);
    const frame = pack([1, Kind.run * 8 + 3, 5, lengths, new Uint8Array(0)]);
    const before = process.memoryUsage().heapUsed;
    expect(outcomeOf([frame])).toBe('protocol-error');
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(256 * 1024 * 1024);
  });

  it('is not made to work for ever by references to what stands elsewhere', () => {
    // Forty levels, each of which would refer to the one below twice.
    const level = (id: number): string => `d669${id.toString(16).padStart(8, '0')}92`;
    const nest = Array.from({ length: 40 }, (_, i) => level(i + 1)).join('');
    const twice = Array.from({ length: 40 }, (_, i) => `d670${(40 - i).toString(16).padStart(8, '0')}`).join('');
    expect(outcomeOf([Buffer.from(`94011201${nest}c0${twice}`, 'hex')])).toBe('protocol-error');
  });

  it('leaves no definition of a record behind for other messages', () => {
    // Were it kept, the integers from 64 to 127 would mean records from then on.
    expect(outcomeOf([Buffer.from('94011201d4724091a16105', 'hex')])).toBe('protocol-error');
    expect(outcomeOf([Buffer.from('9401120140', 'hex')])).toMatchObject([{ id: 1, payload: 64 }]);
  });

  it('harms no object by the names of fields', () => {
    const strange = Buffer.from('9401120181a95f5f70726f746f5f5f81a561646d696ec3', 'hex');
    expect(outcomeOf([strange])).toMatchObject([{ id: 1 }]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    const [envelopeOf] = codec.decode([pack([1, Kind.reply * 8 + 2, 1, { constructor: 1, toString: 2, hasOwnProperty: 3 }])]);
    expect(envelopeOf).toMatchObject({ payload: { constructor: 1, toString: 2, hasOwnProperty: 3 } });
  });
});
