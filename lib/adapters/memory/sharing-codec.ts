import { type Envelope, Kind } from '../../core/envelope.js';
import { SkeinError } from '../../core/errors.js';
import { Codec } from '../../ports/codec.js';

/** A frame that carries a batch as it is. */
class Handed extends Uint8Array {
  readonly batch: readonly Envelope[];

  constructor(batch: readonly Envelope[]) {
    super(1);
    this.batch = batch;
  }
}

/**
 * Hands envelopes from node to node within one process, and with them the very objects that they carry: nothing is encoded, weighed,
 * checked or copied, so that no bound in bytes holds. Whoever gets an object has to treat it as read-only, and whoever has given it away too.
 */
export class SharingCodec extends Codec {
  override encode(batch: readonly Envelope[]): readonly Uint8Array[] {
    return [new Handed(batch.map(detached))];
  }

  override decode([frame]: readonly Uint8Array[]): Envelope[] {
    if (frame instanceof Handed) return [...frame.batch];
    throw new SkeinError('protocol-error', { reason: 'the other node does not share its objects' });
  }

  override measure(): number {
    return 0;
  }

  /** Nothing is `null`, as between processes. */
  override keep(payload: unknown): unknown {
    return payload === undefined ? null : payload;
  }

  override copy(kept: unknown): unknown {
    return kept;
  }
}

/** Apart from its sender, for whom a request is the same object for as long as it takes, and changes. */
const detached = (envelope: Envelope): Envelope => {
  if (envelope.kind !== Kind.call && envelope.kind !== Kind.cast && envelope.kind !== Kind.open) return envelope;
  const { kind, id, method, ttlMs, payload, bytes, meta, stream } = envelope;
  return { kind, id, method, ttlMs, payload, bytes, meta, stream: stream && { wholeMs: stream.wholeMs, credit: stream.credit } };
};
