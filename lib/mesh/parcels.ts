import type { Subscription } from 'rxjs';
import type { Backlog } from '../core/backlog.js';
import { type Envelope, Kind, type PartEnvelope } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import { Readiness } from '../operators/outlet.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import { Outgoing } from '../ports/transport.js';
import { encodeSendable, type Unsendable } from './encode-sendable.js';
import { nameAlong } from './method-table.js';
import { malformed } from './named-methods.js';

type Frames = readonly Uint8Array[];

/** Something large on its way out. */
interface Leaving {
  readonly id: number;
  readonly envelope: Envelope;
  /** Its message but for the large frame, and that frame. */
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  readonly size: number;
  sent: number;
}

/** Something large on its way in. */
interface Arriving {
  readonly body: Uint8Array;
  readonly since: number;
  got: number;
}

/** Stands in a message for a frame that came before it in parts. */
const inParts = new Uint8Array(0);

/**
 * Large payloads on one wire, both ways. Each goes in parts, in turn with other large ones, so that what is small waits for a part and not for the
 * whole; and no more parts are under way than `limits.partsWindow` lets be unread, so that they do not fill the network either. Once all parts have
 * gone, so does what they belong to, and what was to come behind it: casts behind a cast, and what is said of a stream behind its items.
 */
export class Parcels {
  readonly #codec: Codec;
  readonly #clock: Clock;
  readonly #unsendable: Unsendable;
  /** Those that are still to begin, and those of which some has gone. */
  readonly #waiting = new Ring<Envelope>(Infinity);
  readonly #leaving: Leaving[] = [];
  /** What has to stay behind something large, by what it has in common with it; and where that has gone, so that it may go on. */
  readonly #behind = new Map<string, Ring<Envelope>>();
  readonly #freed = new Set<string>();
  readonly #arriving = new Map<number, Arriving>();
  readonly #arrived: Arriving[] = [];
  readonly #readiness = new Readiness();
  #ids = 0;
  #unread = 0;
  /** What waits here, by what it was measured to weigh. */
  bytes = 0;
  #owed = 0;

  /** What turns out not to be wanted any more is told to `unsendable`. */
  constructor(codec: Codec, clock: Clock, unsendable: Unsendable) {
    this.#codec = codec;
    this.#clock = clock;
    this.#unsendable = unsendable;
  }

  /** Whether something large is on its way out. */
  get isBusy(): boolean {
    return this.#hasLarge || this.#freed.size > 0;
  }

  /** What is large and what has to stay behind it, in KiB. */
  get backlog(): Backlog {
    const [depth, max] = [Math.ceil(this.bytes / 1024), limits.outboxBytesMax / 1024];
    return { name: 'KiB of large payloads', depth, max, overflow: 'fail', dropped: 0 };
  }

  /** Whether {@link say} would say something by itself. */
  get hasReady(): boolean {
    return this.#freed.size > 0 || this.#owed >= limits.partBytes || (this.#hasLarge && this.#unread < limits.partsWindow);
  }

  get #hasLarge(): boolean {
    return this.#waiting.size + this.#leaving.length > 0;
  }

  watch(tell: () => void): Subscription {
    return this.#readiness.watch(tell);
  }

  /**
   * The messages that say these, but for what is large and what has to stay behind it; and, besides, one part of what is large, some of
   * what need no longer stay behind, and how much of the other side's was read.
   */
  say(envelopes: Envelope[]): Frames[] {
    const small = this.#divert(envelopes);
    if (!this.hasReady) return this.#encode(small);
    const said = [...small, ...this.#goOn()];
    if (this.#owed > 0) said.push({ kind: Kind.parted, count: this.#owed });
    this.#owed = 0;
    const next = this.#unread < limits.partsWindow ? this.#next() : undefined;
    if (!next) return this.#encode(said);
    const { envelope, head, body, size } = next;
    // Bytes are sent from where they are, so that their owner may have given them away meanwhile.
    const isGivenUp = isUnwanted(envelope) || body.byteLength !== size;
    const messages = this.#encode([...said, this.#cut(next, isGivenUp)]);
    if (isGivenUp) this.#giveUp(envelope);
    else if (next.sent < size) {
      this.#leaving.push(next);
      return messages;
    } else messages.push([head, inParts]);
    this.#leave(envelope);
    return messages;
  }

  /** What the other side said, without the parts of what is large. Throws `protocol-error`. */
  hear(frames: Frames): Envelope[] {
    const last = frames.at(-1);
    const arrived = frames.length === 2 && last?.byteLength === 0 ? this.#arrived.shift() : undefined;
    const envelopes = this.#codec.decode(arrived ? [frames[0] as Uint8Array, arrived.body] : frames);
    if (arrived) return envelopes.map((envelope) => this.#late(envelope, arrived));
    if (!envelopes.some(isOfParts)) return envelopes;
    return envelopes.filter((envelope) => !this.#take(envelope));
  }

  #encode(envelopes: readonly Envelope[]): Frames[] {
    const frames = encodeSendable(this.#codec, envelopes, this.#unsendable);
    return frames.length > 0 ? [frames] : [];
  }

  /** Takes out what is large, and what has to stay behind it; the rest can be said at once. */
  #divert(envelopes: Envelope[]): Envelope[] {
    if (this.#behind.size === 0 && !envelopes.some(isLarge)) return envelopes;
    return envelopes.filter((envelope) => !this.#keeps(envelope));
  }

  #keeps(envelope: Envelope): boolean {
    const key = keyOf(envelope);
    const behind = key === undefined ? undefined : this.#behind.get(key);
    if (behind) behind.push(envelope);
    else if (isLarge(envelope)) {
      this.#waiting.push(envelope);
      if (key !== undefined) this.#behind.set(key, new Ring(Infinity));
    } else return false;
    this.bytes += bytesOf(envelope);
    return true;
  }

  /** Whose turn it is to send a part: each in its turn, and no more at once than the other side would hold. */
  #next(): Leaving | undefined {
    while (this.#leaving.length < limits.partedMax) {
      const envelope = this.#waiting.shift();
      if (!envelope) break;
      const begun = this.#depart(envelope);
      if (begun) return begun;
    }
    return this.#leaving.shift();
  }

  /** None where it is not wanted any more, or cannot be sent after all. */
  #depart(envelope: Envelope): Leaving | undefined {
    if (isUnwanted(envelope)) this.#giveUp(envelope);
    else {
      const [head, body] = encodeSendable(this.#codec, this.#asItLeaves(envelope), this.#unsendable);
      this.#ids += 1;
      if (head && body) return { id: this.#ids, envelope, head, body, size: body.byteLength, sent: 0 };
    }
    this.#leave(envelope);
    return undefined;
  }

  /** It is not here any more: what had to stay behind it may go on. */
  #leave(envelope: Envelope): void {
    this.bytes -= bytesOf(envelope);
    const key = keyOf(envelope);
    if (key === undefined) return;
    if (this.#behind.get(key)?.size === 0) this.#behind.delete(key);
    else this.#freed.add(key);
  }

  /** Some of what need not stay behind any longer; no more than leaves by itself, for a reader takes no message of any size. */
  #goOn(): Envelope[] {
    const some: Envelope[] = [];
    let room: number = limits.batchMax;
    let bytes = 0;
    for (const key of this.#freed) {
      if (room === 0 || bytes >= limits.batchBytesMax) break;
      // Behind the others, where some of it is left.
      this.#freed.delete(key);
      const behind = this.#behind.get(key) as Ring<Envelope>;
      let isHeld = false;
      for (; !isHeld && behind.size > 0 && room > 0 && bytes < limits.batchBytesMax; room -= 1) {
        const envelope = behind.shift() as Envelope;
        isHeld = isLarge(envelope);
        if (isHeld) this.#waiting.push(envelope);
        else if (this.#lets(envelope)) {
          some.push(...this.#asItLeaves(envelope, some.at(-1)));
          bytes += bytesOf(envelope);
        }
      }
      if (isHeld) continue;
      if (behind.size > 0) this.#freed.add(key);
      else this.#behind.delete(key);
    }
    return some;
  }

  /** Whether what was behind still goes on. */
  #lets(envelope: Envelope): boolean {
    this.bytes -= bytesOf(envelope);
    if (!isUnwanted(envelope)) return true;
    this.#giveUp(envelope);
    return false;
  }

  /** However long a request has waited: with the time that is left, and its method's name, whose number may be another's by now. */
  #asItLeaves(envelope: Envelope, before?: Envelope): readonly Envelope[] {
    if (!(envelope instanceof Outgoing)) return [envelope];
    envelope.ttlMs = Math.max(1, Math.ceil(envelope.deadline - this.#clock.now()));
    const name = nameAlong(envelope);
    const isSame = before instanceof Outgoing && before.server === envelope.server && before.operation === envelope.operation;
    return isSame ? [envelope] : [name, envelope];
  }

  #giveUp(envelope: Envelope): void {
    this.#unsendable(envelope, new SkeinError('cancelled', { reason: givenUp }, { ran: 'no' }));
  }

  /** The next part; an empty one has the other side let go of what it has got. */
  #cut(leaving: Leaving, isGivenUp: boolean): Envelope {
    const { id, body, size, sent } = leaving;
    const payload = isGivenUp ? inParts : body.subarray(sent, sent + limits.partBytes);
    const bytes = payload.byteLength;
    leaving.sent += bytes;
    this.#unread += bytes;
    return { kind: Kind.part, id, left: isGivenUp ? 0 : size - leaving.sent, payload, bytes };
  }

  /** Whether it was of parts, and is heard by that. */
  #take(envelope: Envelope): boolean {
    if (envelope.kind === Kind.part) this.#takePart(envelope);
    else if (envelope.kind === Kind.parted) {
      this.#unread -= envelope.count;
      if (this.#unread < 0) throw malformed('more parts were read than were sent');
    } else return false;
    if (this.hasReady) this.#readiness.tell();
    return true;
  }

  #takePart({ id, left, payload }: PartEnvelope): void {
    // Nobody can have memory kept by a few bytes that announce many.
    if (left > 0 && payload.byteLength < limits.partBytes) throw malformed('a part that is shorter than parts are');
    const arriving = this.#arriving.get(id) ?? this.#begin(id, payload.byteLength + left);
    if (payload.byteLength === 0 || arriving.got + payload.byteLength + left !== arriving.body.byteLength) {
      if (payload.byteLength > 0) throw malformed('a part that does not fit those before it');
      this.#arriving.delete(id);
      return;
    }
    arriving.body.set(payload, arriving.got);
    arriving.got += payload.byteLength;
    this.#owed += payload.byteLength;
    if (left > 0) return;
    this.#arriving.delete(id);
    this.#arrived.push(arriving);
  }

  #begin(id: number, bytes: number): Arriving {
    if (bytes > limits.payloadBytesMax) throw new SkeinError('payload-too-large', { bytes, bytesMax: limits.payloadBytesMax });
    if (this.#arriving.size + this.#arrived.length >= limits.partedMax) {
      throw malformed('more is sent in parts at once than may be');
    }
    // Zeroes cost nothing where the system brings them; memory of Node's own would be let go of in one go of 6 ms, in the midst of the work.
    const arriving = { body: new Uint8Array(bytes), since: this.#clock.now(), got: 0 };
    this.#arriving.set(id, arriving);
    return arriving;
  }

  /** Of its time is left what it had when its first part left. */
  #late(envelope: Envelope, { since }: Arriving): Envelope {
    if (!('ttlMs' in envelope)) return envelope;
    return { ...envelope, ttlMs: Math.max(0, envelope.ttlMs - Math.round(this.#clock.now() - since)) };
  }
}

const givenUp = 'it was withdrawn, or its bytes were transferred, before all of it had left';

/** What its payload weighs, where it has one. */
const bytesOf = (envelope: Envelope): number => (envelope as { readonly bytes?: number }).bytes ?? 0;

const isLarge = (envelope: Envelope): boolean => bytesOf(envelope) > limits.partedBytesMin;

const isOfParts = ({ kind }: Envelope): boolean => kind === Kind.part || kind === Kind.parted;

const isUnwanted = (envelope: Envelope): boolean => envelope instanceof Outgoing && envelope.isSettled;

/** What an envelope shares with those that must keep their order with it, where there are any. */
const keyOf = (envelope: Envelope): string | undefined => {
  switch (envelope.kind) {
    case Kind.cast:
      return 'casts';
    case Kind.open:
    case Kind.item:
    case Kind.end:
    case Kind.done:
    case Kind.error:
      return String(envelope.id);
    default:
      return undefined;
  }
};
