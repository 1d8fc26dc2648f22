import { flags } from './frame-reader.js';

/** Frames from here on are written from where they are; what is shorter is copied, so that it leaves with what is beside it. */
const ownBytesMin = 16 * 1024;
const headerBytesMax = 9;

/** The bytes of one message, in as few pieces as is quick. */
export const writeMessage = (frames: readonly Uint8Array[]): readonly Uint8Array[] => {
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (const { byteLength } of frames) copied += headerBytesMax + (byteLength < ownBytesMin ? byteLength : 0);
  const slab = Buffer.allocUnsafe(copied);
  let [from, at] = [0, 0];
  frames.forEach((frame, index) => {
    at = writeHeader(slab, at, frame.byteLength, index < frames.length - 1 ? flags.more : 0);
    if (frame.byteLength < ownBytesMin) {
      slab.set(frame, at);
      at += frame.byteLength;
    } else {
      pieces.push(slab.subarray(from, at), frame);
      from = at;
    }
  });
  if (at > from) pieces.push(slab.subarray(from, at));
  return pieces;
};

/** A command: its name, and what it says. */
export const writeCommand = (name: string, content: Uint8Array): Buffer => {
  const length = 1 + name.length + content.byteLength;
  const bytes = Buffer.alloc(headerBytesMax + length);
  let at = writeHeader(bytes, 0, length, flags.command);
  bytes[at] = name.length;
  at += 1 + bytes.write(name, at + 1, 'latin1');
  bytes.set(content, at);
  return bytes.subarray(0, at + content.byteLength);
};

/** Gives back where the body begins. */
const writeHeader = (bytes: Buffer, at: number, length: number, bits: number): number => {
  if (length < 256) {
    bytes[at] = bits;
    bytes[at + 1] = length;
    return at + 2;
  }
  bytes[at] = bits | flags.long;
  bytes.writeUInt32BE(Math.floor(length / 2 ** 32), at + 1);
  bytes.writeUInt32BE(length % 2 ** 32, at + 5);
  return at + headerBytesMax;
};
