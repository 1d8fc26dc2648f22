import { Packr, Unpackr } from 'msgpackr';
import { type Envelope, Kind, protocolMajor } from '../../core/envelope.js';
import { limits } from '../../core/limits.js';
import { Codec } from '../../ports/codec.js';
import { measure } from './measure.js';
import { Attached, BatchReader } from './read-batch.js';
import { joined, type Run, runAt } from './runs.js';
import { snapshot } from './snapshot.js';

/** Plain MessagePack, so that another language needs no more than its own library: no records, no extension but timestamps. */
const options = {
  useRecords: false,
  mapsAsObjects: true,
  moreTypes: false,
  structuredClone: false,
  encodeUndefinedAsNil: true,
  variableMapSize: true,
  int64AsType: 'bigint',
} as const;

/** No records: a list of them to which nothing can be added, so that a batch that defines one is refused. */
const noRecords = (unpackr: Unpackr): Unpackr => Object.assign(unpackr, { structures: Object.freeze([]) });

/** The head of a record: what it is, and how many fields follow, so that a reader can step over what it does not know. */
const head = (kind: number, fields: number): number => kind * 8 + fields;

const heads = {
  attach: head(Kind.attach, 1),
  call: head(Kind.call, 4),
  callWithMeta: head(Kind.call, 5),
  cast: head(Kind.cast, 4),
  castWithMeta: head(Kind.cast, 5),
  reply: head(Kind.reply, 2),
  error: head(Kind.error, 2),
  refuse: head(Kind.refuse, 2),
  refuseRepeat: head(Kind.refuse, 3),
  accept: head(Kind.accept, 2),
  method: head(Kind.method, 2),
  heartbeat: head(Kind.heartbeat, 0),
  hello: head(Kind.hello, 1),
  welcome: head(Kind.welcome, 1),
  goodbye: head(Kind.goodbye, 2),
  goodbyeAfter: head(Kind.goodbye, 3),
  open: head(Kind.open, 6),
  openWithMeta: head(Kind.open, 7),
  item: head(Kind.item, 2),
  itemWithCost: head(Kind.item, 3),
  demand: head(Kind.demand, 3),
  part: head(Kind.part, 3),
  run: head(Kind.run, 3),
} as const;

/** What a conversation has few of. */
type Rare = Extract<
  Envelope,
  {
    kind:
      | typeof Kind.error
      | typeof Kind.refuse
      | typeof Kind.method
      | typeof Kind.heartbeat
      | typeof Kind.hello
      | typeof Kind.welcome
      | typeof Kind.goodbye;
  }
>;

/** The wire format of docs/protocol.md: a batch is one flat MessagePack array, large payloads are frames behind it. */
export class MsgpackrCodec extends Codec {
  readonly #packr = new Packr(options);
  /** Small bytes are copied out, for a view of ten bytes would hold its whole message in memory. */
  readonly #reader = new BatchReader(noRecords(new Unpackr({ ...options, copyBuffers: true })), noRecords(new Unpackr(options)));

  override encode(batch: readonly Envelope[]): readonly Uint8Array[] {
    const flat: unknown[] = [protocolMajor];
    const frames: Uint8Array[] = [];
    for (let at = 0; at < batch.length;) {
      const run = runAt(batch, at);
      if (run) this.#writeRun(run, flat, frames);
      else this.#write(batch[at] as Envelope, flat, frames);
      at += run?.length ?? 1;
    }
    const first = this.#packr.pack(flat);
    return frames.length === 0 ? [first] : [first, ...frames];
  }

  override decode(frames: readonly Uint8Array[]): Envelope[] {
    return this.#reader.read(frames);
  }

  override measure(payload: unknown): number {
    return measure(payload);
  }

  override keep(payload: unknown): unknown {
    return snapshot(payload);
  }

  #write(envelope: Envelope, flat: unknown[], frames: Uint8Array[]): void {
    switch (envelope.kind) {
      case Kind.call:
      case Kind.cast: {
        const payload = this.#payload(envelope, flat, frames);
        if (envelope.meta === undefined) {
          flat.push(envelope.kind === Kind.call ? heads.call : heads.cast, envelope.id, envelope.method, envelope.ttlMs, payload);
        } else {
          const withMeta = envelope.kind === Kind.call ? heads.callWithMeta : heads.castWithMeta;
          flat.push(withMeta, envelope.id, envelope.method, envelope.ttlMs, payload, envelope.meta);
        }
        break;
      }
      case Kind.reply: {
        const payload = this.#payload(envelope, flat, frames);
        flat.push(heads.reply, envelope.id, payload);
        break;
      }
      case Kind.item: {
        const payload = this.#payload(envelope, flat, frames);
        if (envelope.cost === 1) flat.push(heads.item, envelope.id, payload);
        else flat.push(heads.itemWithCost, envelope.id, payload, envelope.cost);
        break;
      }
      case Kind.open: {
        const { id, method, ttlMs, stream, meta } = envelope;
        const payload = this.#payload(envelope, flat, frames);
        flat.push(meta ? heads.openWithMeta : heads.open, id, method, ttlMs, payload, stream?.wholeMs ?? 0, stream?.credit ?? 0);
        if (meta) flat.push(meta);
        break;
      }
      case Kind.demand:
        flat.push(heads.demand, envelope.id, envelope.count, envelope.items);
        break;
      case Kind.part: {
        const payload = this.#payload(envelope, flat, frames);
        flat.push(heads.part, envelope.id, envelope.left, payload);
        break;
      }
      case Kind.accept:
        flat.push(heads.accept, envelope.count, envelope.id);
        break;
      case Kind.done:
      case Kind.cancel:
      case Kind.end:
      case Kind.working:
        flat.push(head(envelope.kind, 1), envelope.id);
        break;
      case Kind.credit:
      case Kind.parted:
        flat.push(head(envelope.kind, 1), envelope.count);
        break;
      default:
        this.#writeRare(envelope, flat);
    }
  }

  /** A third of what the items cost one by one: msgpackr looks at each value for what kind of object it is. */
  #writeRun(run: Run, flat: unknown[], frames: Uint8Array[]): void {
    const { lengths, bytes } = joined(run);
    const payload = this.#payload({ payload: bytes, bytes: bytes.byteLength }, flat, frames);
    flat.push(heads.run, run[0].id, lengths, payload);
  }

  #writeRare(envelope: Rare, flat: unknown[]): void {
    switch (envelope.kind) {
      case Kind.error:
        flat.push(heads.error, envelope.id, envelope.error);
        break;
      case Kind.refuse:
        if (!envelope.attempt) flat.push(heads.refuse, envelope.id, envelope.error);
        else flat.push(heads.refuseRepeat, envelope.id, envelope.error, envelope.attempt);
        break;
      case Kind.method:
        flat.push(heads.method, envelope.index, envelope.name);
        break;
      case Kind.heartbeat:
        flat.push(heads.heartbeat);
        break;
      case Kind.hello: {
        const { node, incarnation, features, heartbeatMs, link } = envelope;
        flat.push(heads.hello, { node, incarnation, features, heartbeatMs, ...(link !== undefined && { link }) });
        break;
      }
      case Kind.welcome: {
        const { node, incarnation, features, heartbeatMs, credit, resumption } = envelope;
        flat.push(heads.welcome, { node, incarnation, features, heartbeatMs, credit, ...(resumption && { resumption }) });
        break;
      }
      case Kind.goodbye:
        if (envelope.said === undefined) flat.push(heads.goodbye, envelope.code, envelope.reason);
        else flat.push(heads.goodbyeAfter, envelope.code, envelope.reason, envelope.said);
        break;
    }
  }

  #payload(
    { payload, bytes }: { readonly payload: unknown; readonly bytes: number },
    flat: unknown[],
    frames: Uint8Array[],
  ): unknown {
    return bytes < limits.framedBytesMin ? payload : this.#attach(payload, flat, frames);
  }

  /** Puts a large payload into a frame of its own; in the batch, `nil` stands for it behind an attach record. */
  #attach(payload: unknown, flat: unknown[], frames: Uint8Array[]): null {
    const isBytes = payload instanceof Uint8Array;
    // Bytes are sent from where they are, so that their owner may have given them away meanwhile.
    if (isBytes && payload.byteLength < limits.framedBytesMin / 2) throw new Error('its bytes are gone: they were transferred');
    const frame = isBytes ? payload : this.#packr.pack(payload);
    flat.push(heads.attach, isBytes ? Attached.bytes : Attached.value);
    frames.push(frame);
    return null;
  }
}
