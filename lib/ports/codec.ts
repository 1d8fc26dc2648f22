import type { Envelope } from '../core/envelope.js';

/** Several envelopes as one message, and back. */
export abstract class Codec {
  /**
   * The frames of one message: the batch, then the large payloads that it attaches. What payloads weigh, as
   * {@link measure} said, stands in their envelopes.
   */
  abstract encode(batch: readonly Envelope[]): readonly Uint8Array[];

  /** The envelopes of one message. Unknown kinds and fields are left out; throws `protocol-error` for what is no batch. */
  abstract decode(frames: readonly Uint8Array[]): Envelope[];

  /**
   * At most how many bytes a payload takes, and not many more. Throws `invalid-argument` for what cannot be sent, with the path
   * to it, and `payload-too-large`.
   */
  abstract measure(payload: unknown): number;

  /** The payload, which was measured, as it is at this instant: its owner may go on changing what it has sent. */
  abstract keep(payload: unknown): unknown;

  /** What was kept once more, for one who may change it; by default bytes of any size are copied, and all else is kept anew. */
  copy(kept: unknown): unknown {
    return kept instanceof Uint8Array ? new Uint8Array(kept) : this.keep(kept);
  }
}
