import { Violation } from './violation.js';

/** Bits of a frame's first byte. */
export const flags = { more: 1, long: 2, command: 4 } as const;
const known = flags.more | flags.long | flags.command;

/** A body of up to so many bytes has its memory at once; a longer one gets it as it comes, so that nobody can ask for it by a header alone. */
const trustedBytes = 1024 * 1024;

/** Less than that is read with what comes behind it. */
const roomBytesMin = 64 * 1024;

export interface FrameTaker {
  /** The most that a frame may have now. */
  bytesMax(isCommand: boolean): number;
  /** The body is memory of its own. */
  frame(body: Buffer, bits: number): void;
}

/** Makes frames of chunks, however a stream of bytes was cut into them. */
export class FrameReader {
  readonly #taker: FrameTaker;
  /** The first bytes of a header that has not come whole. */
  #head: Buffer | undefined;
  #bits = 0;
  /** A body that has not come whole, how much of it has, and how long it is. */
  #body: Buffer | undefined;
  #got = 0;
  #length = 0;

  constructor(taker: FrameTaker) {
    this.#taker = taker;
  }

  /** Where the next bytes may be put, so that they need not be copied: a good part of a body that has not come whole. */
  get room(): Buffer | undefined {
    const body = this.#body;
    return body && body.length - this.#got >= roomBytesMin ? body.subarray(this.#got) : undefined;
  }

  /** The chunk is read before it returns, and not held, but where it lies in the {@link room}. Throws a Violation. */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#head) {
      bytes = Buffer.concat([this.#head, chunk]);
      this.#head = undefined;
    }
    let at = this.#body ? this.#fill(bytes) : 0;
    while (at < bytes.length) {
      const bits = bytes[at] ?? 0;
      const headerBytes = (bits & flags.long) === 0 ? 2 : 9;
      if (bytes.length - at < headerBytes) {
        this.#head = Buffer.from(bytes.subarray(at));
        return;
      }
      const length = this.#lengthOf(bytes, at, bits);
      at += headerBytes;
      const end = at + length;
      if (end <= bytes.length) {
        this.#taker.frame(Buffer.from(bytes.subarray(at, end)), bits);
        at = end;
      } else {
        this.#bits = bits;
        this.#length = length;
        this.#got = 0;
        this.#body = Buffer.allocUnsafeSlow(Math.min(length, trustedBytes));
        at += this.#fill(bytes.subarray(at));
      }
    }
  }

  #lengthOf(bytes: Buffer, at: number, bits: number): number {
    const isCommand = (bits & flags.command) !== 0;
    if ((bits & ~known) !== 0 || (isCommand && (bits & flags.more) !== 0)) {
      throw new Violation(`a frame has the flags ${String(bits)}`);
    }
    const isLong = (bits & flags.long) !== 0;
    const length = isLong ? bytes.readUInt32BE(at + 1) * 2 ** 32 + bytes.readUInt32BE(at + 5) : (bytes[at + 1] ?? 0);
    const max = this.#taker.bytesMax(isCommand);
    if (length > max) throw new Violation(`a frame has ${String(length)} bytes, and ${String(max)} may come`);
    return length;
  }

  /** Takes what has come of the body; gives back how much that was. */
  #fill(bytes: Buffer): number {
    const count = Math.min(this.#length - this.#got, bytes.length);
    let body = this.#body as Buffer;
    if (this.#got + count > body.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.#length, Math.max(2 * body.length, this.#got + count)));
      body.copy(grown, 0, 0, this.#got);
      this.#body = body = grown;
    }
    // What was read to its place lies there.
    if (bytes.buffer !== body.buffer) bytes.copy(body, this.#got, 0, count);
    this.#got += count;
    if (this.#got === this.#length) {
      this.#body = undefined;
      this.#taker.frame(body, this.#bits);
    }
    return count;
  }
}
