import { invalidArgument, SkeinError } from '../../core/errors.js';

export type Frames = readonly Uint8Array[];

/**
 * Messages without a single byte are this network's own. One empty frame is a probe: the listener sends it to find out which
 * peer is gone, and who dialled ignores it. Two are a farewell: the listener let go of the wire, which its socket could not
 * show in another way, and who dialled closes.
 */
export const probe: Frames = [new Uint8Array(0)];
export const farewell: Frames = [new Uint8Array(0), new Uint8Array(0)];

/** What a message means to this network; undefined for every message of its users. */
export const readMark = (frames: Frames): 'probe' | 'farewell' | undefined => {
  if (frames.length > 2 || frames[0]?.byteLength !== 0) return undefined;
  if (frames.length === 1) return 'probe';
  return frames[1]?.byteLength === 0 ? 'farewell' : undefined;
};

/** Why a message cannot be sent, if so. */
export const sendProblem = (frames: Frames, bytesMax: number): SkeinError | undefined => {
  let bytes = 0;
  for (const frame of frames) bytes += frame.byteLength;
  if (bytes > bytesMax) return new SkeinError('payload-too-large', { bytes, bytesMax });
  return bytes === 0 ? invalidArgument('a message must have at least one byte') : undefined;
};
