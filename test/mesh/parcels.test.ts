import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { type Envelope, Kind, type RequestEnvelope } from '../../lib/core/envelope.js';
import { limits } from '../../lib/core/limits.js';
import { Parcels } from '../../lib/mesh/parcels.js';
import { TestRequest } from './mesh-world.js';

const codec = new MsgpackrCodec();
const large = limits.partedBytesMin + 10_000;

/** A payload of that many bytes, all that number; as a text where it is to be no bytes. */
const weighed = (bytes: number, n: number, isText: boolean) => {
  const payload = isText ? String.fromCharCode(97 + (n % 26)).repeat(bytes) : new Uint8Array(bytes).fill(n);
  return { payload, bytes: codec.measure(payload) };
};

const item = (id: number, bytes: number) => ({ kind: Kind.item, id, cost: 1, payload: new Uint8Array(bytes), bytes });

/** Two ends of a wire: what one says, the other one hears. */
const setUp = () => {
  const clock = new VirtualClock();
  const givenUp: Envelope[] = [];
  const end = () => new Parcels(codec, clock, (envelope) => givenUp.push(envelope));
  const [from, to] = [end(), end()];
  const heard: Envelope[] = [];
  const sizes: number[] = [];
  /** How many were heard in each message. */
  const counts: number[] = [];
  /** Says it, and all that was left to say before as far as it may be; what the other side says to it is heard or, where it `holds`, not. */
  const say = (envelopes: Envelope[], holds = false): void => {
    for (const frames of from.say(envelopes)) {
      sizes.push(frames.reduce((sum, { byteLength }) => sum + byteLength, 0));
      const envelopes = to.hear(frames).filter(({ kind }) => kind !== Kind.method);
      counts.push(envelopes.length);
      heard.push(...envelopes);
    }
    if (!holds && to.hasReady) answer();
  };
  const answer = (): void => {
    for (const frames of to.say([])) from.hear(frames);
  };
  const finish = (): void => {
    while (from.hasReady) say([]);
  };
  return { clock, from, to, heard, sizes, counts, givenUp, say, answer, finish };
};

describe('Parcels', () => {
  it('brings whatever is said to the other end, each lane in its order, and nothing large at once', () => {
    const said = fc.record({
      kind: fc.constantFrom(Kind.cast, Kind.reply, Kind.item),
      id: fc.integer({ min: 1, max: 3 }),
      bytes: fc.constantFrom(1, 1, 100, 20_000, large, 2 * large),
      isText: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.array(said, { maxLength: 4 }), { maxLength: 8 }), (batches) => {
        const { heard, sizes, say, finish, from } = setUp();
        let n = 0;
        const all: Envelope[] = [];
        for (const batch of batches) {
          const envelopes = batch.map(({ kind, id, bytes, isText }): Envelope => {
            n += 1;
            const payload = weighed(bytes, n, isText);
            if (kind === Kind.cast) return { kind, id: n, method: 0, ttlMs: 1_000, meta: undefined, ...payload };
            return kind === Kind.item ? { kind, id, cost: 1, ...payload } : { kind, id: n, ...payload };
          });
          all.push(...envelopes);
          say(envelopes);
        }
        finish();
        expect([from.isBusy, from.bytes]).toEqual([false, 0]);
        const lanes = (envelopes: readonly Envelope[]): unknown =>
          [Kind.cast, Kind.reply, `${String(Kind.item)} 1`, `${String(Kind.item)} 2`, `${String(Kind.item)} 3`].map((lane) => {
            const of = envelopes.filter(
              ({ kind, ...rest }) => (kind === Kind.item && 'id' in rest ? `${String(kind)} ${String(rest.id)}` : kind) === lane,
            );
            const seen = of.map((envelope) => ('payload' in envelope ? String(envelope.payload).slice(0, 3) : ''));
            const lengths = of.map((envelope) => ('payload' in envelope ? (envelope.payload as string | Uint8Array).length : 0));
            const inOrder = seen.map((text, i) => `${text} ${String(lengths[i])}`);
            return lane === Kind.reply ? inOrder.sort() : inOrder;
          });
        expect(lanes(heard)).toEqual(lanes(all));
        expect(Math.max(0, ...sizes)).toBeLessThan(limits.partBytes + 4 * 4 * 21_000);
      }),
      { numRuns: 60 },
    );
  });

  it('has no more on its way than its window, and no more payloads in parts than may be', () => {
    const { say, answer, sizes, heard, from, to } = setUp();
    for (let id = 1; id <= 6; id += 1) say([{ kind: Kind.reply, id, ...weighed(2 * large, id, false) }], true);
    while (from.hasReady) say([], true);
    const sent = sizes.reduce((sum, bytes) => sum + bytes, 0);
    expect(sent).toBeGreaterThan(limits.partsWindow - limits.partBytes);
    expect(sent).toBeLessThan(limits.partsWindow + limits.partBytes);
    expect(heard).toEqual([]);
    while (to.hasReady) {
      answer();
      while (from.hasReady) say([], true);
    }
    expect(heard.map((envelope) => 'id' in envelope && envelope.id).sort()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('lets what is small pass', () => {
    const { say, heard } = setUp();
    say([{ kind: Kind.reply, id: 1, ...weighed(large, 1, false) }]);
    say([{ kind: Kind.reply, id: 2, payload: 'small', bytes: 10 }]);
    expect(heard).toMatchObject([{ id: 2 }]);
  });

  it('lets what came behind something large go in messages as small as any', () => {
    const { heard, sizes, counts, say, finish } = setUp();
    const few = Array.from({ length: 20 }, () => item(1, 20_000));
    const many = Array.from({ length: limits.recordsMax + 1 }, () => item(1, 1));
    say([item(1, large), ...few, ...many]);
    finish();
    expect(heard).toHaveLength(1 + few.length + many.length);
    expect(Math.max(...sizes)).toBeLessThan(limits.partBytes + limits.batchBytesMax);
    expect(Math.max(...counts)).toBe(limits.batchMax);
  });

  it('lets those who stayed behind different ones take turns, and is busy until they have gone', () => {
    const { heard, counts, say, from } = setUp();
    const behind = 8 * limits.batchMax;
    for (const id of [1, 2]) say([item(id, large), ...Array.from({ length: behind }, () => item(id, 1))]);
    const count = (id: number): number => heard.filter((envelope) => 'id' in envelope && envelope.id === id).length;
    while (Math.min(count(1), count(2)) < 2) say([]);
    expect(Math.max(count(1), count(2))).toBeLessThan(1 + behind);
    counts.length = 0;
    while (from.isBusy) say([]);
    expect([count(1), count(2), from.bytes]).toEqual([1 + behind, 1 + behind, 0]);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('goes on where what is large, and behind something large, turns out not to be sendable', () => {
    const { heard, givenUp, say, finish, from } = setUp();
    const [first, second, third] = [item(1, large), item(1, large), item(1, 1)];
    say([first, second, third]);
    structuredClone(second, { transfer: [second.payload.buffer] });
    finish();
    expect(heard.map((envelope) => 'payload' in envelope && (envelope.payload as Uint8Array).byteLength)).toEqual([large, 1]);
    expect(givenUp).toEqual([second]);
    expect([from.isBusy, from.bytes]).toEqual([false, 0]);
  });

  it('gives up what was withdrawn, and goes on with what came behind it', () => {
    const { say, finish, heard, givenUp, from } = setUp();
    const [cast, next] = [new TestRequest(1, 1_000, Kind.cast), new TestRequest(2, 1_000, Kind.cast)];
    Object.assign(cast, weighed(large, 1, false));
    say([cast, next]);
    cast.isSettled = true;
    finish();
    expect(givenUp).toEqual([cast]);
    expect(heard).toMatchObject([{ kind: Kind.cast, id: 2 }]);
    expect(from.isBusy).toBe(false);
  });

  it('drops what was withdrawn while it stayed behind something large', () => {
    const { say, finish, heard, givenUp, from } = setUp();
    const casts = [1, 2, 3, 4].map((id) => new TestRequest(id, 1_000, Kind.cast));
    for (const cast of casts.slice(0, 3)) Object.assign(cast, weighed(cast.id === 2 ? 10 : large, cast.id, false));
    say(casts);
    for (const cast of casts.slice(1, 3)) cast.isSettled = true;
    finish();
    expect(givenUp).toEqual(casts.slice(1, 3));
    expect(heard.map((envelope) => 'id' in envelope && envelope.id)).toEqual([1, 4]);
    expect([from.isBusy, from.bytes]).toEqual([false, 0]);
  });

  it('drops no more at once than would leave at once', () => {
    const { say, finish, givenUp, from } = setUp();
    const casts = Array.from({ length: 4 * limits.batchMax }, (_, id) => new TestRequest(id, 1_000, Kind.cast));
    Object.assign(casts[0] as TestRequest, weighed(large, 1, false));
    say(casts);
    for (const cast of casts.slice(1)) cast.isSettled = true;
    let most = 0;
    while (from.hasReady) {
      const before = givenUp.length;
      say([]);
      most = Math.max(most, givenUp.length - before);
    }
    finish();
    expect([givenUp.length, most]).toEqual([casts.length - 1, limits.batchMax]);
  });

  it('takes the time that it stayed behind, or waited for its turn, off what is left of a request', async () => {
    const { say, finish, heard, clock } = setUp();
    const requestOf = (id: number, bytes: number, kind: RequestEnvelope['kind']): TestRequest =>
      Object.assign(new TestRequest(id, clock.now() + 1_000, kind), { ttlMs: 1_000 }, weighed(bytes, id, false));
    const casts = [requestOf(1, large, Kind.cast), requestOf(2, large, Kind.cast), requestOf(3, 1, Kind.cast)];
    const calls = [4, 5, 6, 7].map((id) => requestOf(id, large, Kind.call));
    say([...casts, ...calls], true);
    await clock.advance(400);
    finish();
    const left = heard.map((envelope) => 'ttlMs' in envelope && [envelope.id, envelope.ttlMs]);
    expect(left.sort()).toEqual([1, 2, 3, 4, 5, 6, 7].map((id) => [id, 600]));
  });

  it('takes the time that the parts have cost off what is left of a request', async () => {
    const { say, finish, heard, clock } = setUp();
    say([{ kind: Kind.call, id: 1, method: 0, ttlMs: 1_000, meta: undefined, ...weighed(large, 1, false) }]);
    await clock.advance(400);
    finish();
    expect(heard).toMatchObject([{ id: 1, ttlMs: 600 }]);
  });

  it('refuses parts that do not fit, of too much, or too many at once', () => {
    const part = (id: number, left: number, bytes = 10): Envelope => ({
      kind: Kind.part,
      id,
      left,
      payload: new Uint8Array(bytes),
      bytes,
    });
    const refuses = (...parts: readonly Envelope[]): void => {
      const { to } = setUp();
      expect(() => parts.map((one) => to.hear(codec.encode([one])))).toThrow(/\[(protocol-error|payload-too-large)\]/);
    };
    refuses(part(1, 10, limits.partBytes), part(1, 10, limits.partBytes));
    refuses(part(1, 10));
    refuses(part(1, limits.payloadBytesMax, limits.partBytes));
    refuses(...Array.from({ length: limits.partedMax + 1 }, (_, id) => part(id, 10, limits.partBytes)));
    refuses(...Array.from({ length: limits.partedMax + 1 }, (_, id) => part(id, 0)));
    refuses({ kind: Kind.parted, count: 1 });
  });
});
