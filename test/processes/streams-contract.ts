import { bytes, call, channel, contract, sink, stream, typed } from '../../lib/index.js';

/** What a process has seen of its streams. */
export interface Looked {
  readonly produced: number;
  readonly consumed: number;
  readonly isProducing: boolean;
  readonly rssBytes: number;
}

/** How a consumer goes: slowly for so long, and then as fast as it can. */
export interface Pace {
  readonly slowMs: number;
  readonly total: number;
}

/** Streams of items of 64 bytes; the server counts what it produces and consumes. */
export const Streams = contract('streams', '1', {
  give: stream({ output: bytes() }),
  take: sink<Uint8Array, number, Pace>({ open: typed<Pace>() }),
  swap: channel<Uint8Array, Uint8Array, Pace>({ open: typed<Pace>() }),
  look: call<undefined, Looked>(),
  /** Is at work for `endMs`, and meanwhile keeps its whole process busy for `blockMs`. */
  work: call<{ readonly endMs: number; readonly blockMs: number }, string>(),
});

/** What one side produces without end, and consumes, counted. */
export class Counted {
  produced = 0;
  consumed = 0;
  isProducing = false;

  *items(): Generator<Uint8Array> {
    const payload = new Uint8Array(64).fill(7);
    this.isProducing = true;
    try {
      for (;;) {
        this.produced += 1;
        yield payload;
      }
    } finally {
      this.isProducing = false;
    }
  }

  /** Takes a thousand a second for so long, and then as many as come, up to that total. */
  async consume(items: AsyncIterable<Uint8Array>, { slowMs, total }: Pace): Promise<number> {
    const slowUntil = performance.now() + slowMs;
    for await (const item of items) {
      if (item.byteLength !== 64) throw new Error('an item came damaged');
      this.consumed += 1;
      if (this.consumed >= total) break;
      if (this.consumed % 10 === 0 && performance.now() < slowUntil) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.consumed;
  }

  look(): Looked {
    const { produced, consumed, isProducing } = this;
    return { produced, consumed, isProducing, rssBytes: process.memoryUsage().rss };
  }
}
