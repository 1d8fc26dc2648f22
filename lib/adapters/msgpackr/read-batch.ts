import type { Unpackr } from 'msgpackr';
import { costOfItem, type Envelope, Kind, protocolMajor } from '../../core/envelope.js';
import { SkeinError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import {
  countOf,
  isCount,
  malformed,
  plain,
  readError,
  readHello,
  readMeta,
  readMethod,
  readWelcome,
  textOf,
} from './read-fields.js';

/** How an attached payload is written in its frame. */
export const Attached = { bytes: 0, value: 1 } as const;

/** How many fields each kind has at the least; what comes behind them is ignored. */
const fieldsMin: { readonly [K in Kind]: number } = {
  [Kind.call]: 4,
  [Kind.cast]: 4,
  [Kind.reply]: 2,
  [Kind.error]: 2,
  [Kind.refuse]: 2,
  [Kind.accept]: 2,
  [Kind.done]: 1,
  [Kind.cancel]: 1,
  [Kind.credit]: 1,
  [Kind.method]: 2,
  [Kind.attach]: 1,
  [Kind.heartbeat]: 0,
  [Kind.hello]: 1,
  [Kind.welcome]: 1,
  [Kind.goodbye]: 2,
  [Kind.open]: 6,
  [Kind.item]: 2,
  [Kind.demand]: 3,
  [Kind.end]: 1,
  [Kind.working]: 1,
  [Kind.part]: 3,
  [Kind.parted]: 1,
  [Kind.run]: 3,
};

const nothing: readonly never[] = [];

const tooMany = (): SkeinError => malformed(`a message of more than ${String(limits.recordsMax)} records`);

/** Reads the batches of strangers: every field is checked, what is unknown is stepped over, and nothing but plain values passes. */
export class BatchReader {
  readonly #copying: Unpackr;
  readonly #viewing: Unpackr;
  #flat: readonly unknown[] = nothing;
  #frames: readonly Uint8Array[] = nothing;
  #nextFrame = 1;
  /** How the next record's payload is attached, if it is. */
  #attached: number | undefined = undefined;

  /** `copying` reads batches, and `viewing` attached payloads, which may keep their frame. */
  constructor(copying: Unpackr, viewing: Unpackr) {
    this.#copying = copying;
    this.#viewing = viewing;
  }

  /** The envelopes of one message; throws `protocol-error`, or `unsupported-version` for another major version. */
  read(frames: readonly Uint8Array[]): Envelope[] {
    const first = frames[0];
    if (!first) throw malformed('a message without frames');
    this.#flat = this.#unpackBatch(first);
    this.#frames = frames;
    this.#nextFrame = 1;
    this.#attached = undefined;
    try {
      const major = this.#flat[0];
      return major === protocolMajor ? this.#records() : this.#readForeign(major);
    } finally {
      // A reader that waits for its next message should not hold the memory of the last one.
      this.#flat = nothing;
      this.#frames = nothing;
    }
  }

  #records(): Envelope[] {
    const envelopes: Envelope[] = [];
    const end = this.#flat.length;
    for (let at = 1; at < end;) {
      if (envelopes.length >= limits.recordsMax) throw tooMany();
      const head = this.#flat[at];
      if (typeof head !== 'number' || !Number.isSafeInteger(head) || head < 0) throw malformed('a record without a head');
      const fields = head % 8;
      const kind = (head - fields) / 8;
      if (at + fields >= end || fields < (fieldsMin[kind as Kind] ?? 0)) throw malformed('a record that is cut short');
      if (kind === Kind.attach) this.#attach(at + 1);
      else if (kind === Kind.run) this.#run(at + 1, envelopes);
      else {
        const envelope = this.#record(kind, at + 1, fields);
        if (envelope) envelopes.push(envelope);
        // What is unknown may have taken it; what is known has taken what it can.
        else this.#skipAttached();
        if (this.#attached !== undefined) throw malformed('an attachment that its record does not take');
      }
      at += fields + 1;
    }
    if (this.#attached !== undefined) throw malformed('an attachment without its record');
    if (this.#nextFrame !== this.#frames.length) throw malformed('a frame that no record takes');
    return envelopes;
  }

  #unpackBatch(frame: Uint8Array): readonly unknown[] {
    let flat: unknown;
    try {
      flat = this.#copying.unpack(bytesOf(frame));
    } catch (cause) {
      throw malformed('a batch that is not MessagePack', cause);
    }
    if (!Array.isArray(flat)) throw malformed('a batch that is not an array');
    return flat;
  }

  /** Of another major version only the goodbye can be read: its shape is the same in all. */
  #readForeign(major: unknown): Envelope[] {
    const [, head, code, reason] = this.#flat;
    if (
      typeof head === 'number' &&
      head >= Kind.goodbye * 8 + 2 &&
      head < (Kind.goodbye + 1) * 8 &&
      typeof code === 'string' &&
      typeof reason === 'string'
    ) {
      return [{ kind: Kind.goodbye, code, reason }];
    }
    throw new SkeinError(
      'unsupported-version',
      { wanted: `protocol ${String(major)}`, served: [`protocol ${String(protocolMajor)}`] },
      { message: `the peer speaks protocol ${String(major)}, and this node protocol ${String(protocolMajor)}` },
    );
  }

  #record(kind: number, at: number, fields: number): Envelope | undefined {
    switch (kind) {
      case Kind.call:
      case Kind.cast:
        return {
          kind,
          id: this.#count(at),
          method: this.#count(at + 1),
          ttlMs: this.#count(at + 2),
          payload: this.#payload(at + 3),
          bytes: 0,
          meta: fields > 4 ? readMeta(this.#flat[at + 4]) : undefined,
        };
      case Kind.item:
        return {
          kind,
          id: this.#count(at),
          payload: this.#payload(at + 1),
          bytes: 0,
          cost: fields > 2 ? this.#count(at + 2) : 1,
        };
      case Kind.open:
        return this.#open(at, fields);
      case Kind.part:
        return { kind, id: this.#count(at), left: this.#count(at + 1), payload: this.#bytes(at + 2, 'a part'), bytes: 0 };
      case Kind.parted:
        return { kind, count: this.#count(at) };
      case Kind.demand:
        return { kind, id: this.#count(at), count: this.#count(at + 1), items: this.#count(at + 2) };
      case Kind.reply:
        return { kind, id: this.#count(at), payload: this.#payload(at + 1), bytes: 0 };
      case Kind.error:
        return { kind, id: this.#count(at), error: readError(plain(this.#flat[at + 1])) };
      case Kind.refuse: {
        const attempt = fields > 2 ? this.#count(at + 2) : undefined;
        return { kind, id: this.#count(at), error: readError(plain(this.#flat[at + 1])), attempt };
      }
      case Kind.accept:
        return { kind, count: this.#count(at), id: this.#count(at + 1) };
      case Kind.credit:
        return { kind, count: this.#count(at) };
      case Kind.done:
      case Kind.cancel:
      case Kind.end:
      case Kind.working:
        return { kind, id: this.#count(at) };
      case Kind.method:
        return { kind, index: this.#count(at), name: readMethod(this.#flat[at + 1]) };
      case Kind.heartbeat:
        return { kind };
      case Kind.hello:
        return readHello(this.#flat[at]);
      case Kind.welcome:
        return readWelcome(this.#flat[at]);
      case Kind.goodbye:
        return {
          kind,
          code: textOf(this.#flat[at], 'the code of a goodbye'),
          reason: textOf(this.#flat[at + 1], 'its reason'),
          said: fields > 2 ? this.#count(at + 2) : undefined,
        };
      default:
        return undefined;
    }
  }

  /** Its items, each with bytes of its own. */
  #run(at: number, envelopes: Envelope[]): void {
    const [id, lengths, bytes] = [this.#count(at), this.#flat[at + 1], this.#bytes(at + 2, 'a run')];
    if (!Array.isArray(lengths)) throw malformed('the lengths of a run are not an array');
    if (envelopes.length + lengths.length > limits.recordsMax) throw tooMany();
    let from = 0;
    for (const value of lengths as readonly unknown[]) {
      const length = isCount(value) ? value : countOf(value, 'the length of an item');
      if (length > bytes.byteLength - from) throw malformed('a run that is cut short');
      const payload = bytes.slice(from, from + length);
      envelopes.push({ kind: Kind.item, id, payload, bytes: 0, cost: costOfItem(length) });
      from += length;
    }
    if (from !== bytes.byteLength) throw malformed('bytes of a run that are no item');
  }

  #open(at: number, fields: number): Envelope {
    return {
      kind: Kind.open,
      id: this.#count(at),
      method: this.#count(at + 1),
      ttlMs: this.#count(at + 2),
      payload: this.#payload(at + 3),
      bytes: 0,
      stream: { wholeMs: this.#count(at + 4), credit: this.#count(at + 5) },
      meta: fields > 6 ? readMeta(this.#flat[at + 6]) : undefined,
    };
  }

  #count(at: number): number {
    const value = this.#flat[at];
    return isCount(value) ? value : countOf(value, 'a field');
  }

  #attach(at: number): void {
    if (this.#attached !== undefined) throw malformed('two attachments for one record');
    this.#attached = this.#count(at);
  }

  #payload(at: number): unknown {
    return plain(this.#attached === undefined ? this.#flat[at] : this.#detach());
  }

  #bytes(at: number, what: string): Uint8Array {
    const payload = this.#payload(at);
    if (payload instanceof Uint8Array) return payload;
    throw malformed(`${what} that is not bytes`);
  }

  #detach(): unknown {
    const frame = this.#frames[this.#nextFrame];
    if (!frame) throw malformed('an attachment without its frame');
    const style = this.#attached;
    this.#skipAttached();
    if (style === Attached.bytes) return bytesOf(frame);
    if (style !== Attached.value) throw malformed(`an attachment of the unknown style ${String(style)}`);
    try {
      return this.#viewing.unpack(bytesOf(frame));
    } catch (cause) {
      throw malformed('an attachment that is not MessagePack', cause);
    }
  }

  #skipAttached(): void {
    if (this.#attached === undefined) return;
    this.#attached = undefined;
    this.#nextFrame += 1;
  }
}

/** The same memory, as the plain kind of bytes that every receiver is to get: what is cut out of Node's Buffers would be Buffers again. */
const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
