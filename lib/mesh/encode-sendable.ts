import type { Envelope } from '../core/envelope.js';
import { invalidArgument, isSkeinError, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Codec } from '../ports/codec.js';

export type Unsendable = (envelope: Envelope, error: SkeinError) => void;

/**
 * The batch as a message's frames; no frames if nothing is left of it. What can no longer be sent, since its owner changed it after it
 * was measured, is told to `unsendable` and left out, so that all others go.
 */
export const encodeSendable = (codec: Codec, batch: readonly Envelope[], unsendable: Unsendable): readonly Uint8Array[] => {
  if (batch.length === 0) return [];
  try {
    return encodeBounded(codec, batch);
  } catch (error) {
    if (batch.length === 1) {
      unsendable(batch[0] as Envelope, asSkeinError(error));
      return [];
    }
  }
  const sendable = batch.filter((envelope) => encodeSendable(codec, [envelope], unsendable).length > 0);
  return sendable.length === 0 ? [] : encodeBounded(codec, sendable);
};

const encodeBounded = (codec: Codec, batch: readonly Envelope[]): readonly Uint8Array[] => {
  const frames = codec.encode(batch);
  const bytes = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes > limits.messageBytesMax) throw new SkeinError('payload-too-large', { bytes, bytesMax: limits.payloadBytesMax });
  return frames;
};

const asSkeinError = (cause: unknown): SkeinError =>
  isSkeinError(cause) ? cause : invalidArgument(`it was changed after it was sent, and cannot be sent: ${String(cause)}`);
