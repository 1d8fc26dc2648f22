import type { Subscription } from 'rxjs';
import type { Envelope } from '../core/envelope.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import { type Outlet, Readiness } from '../operators/outlet.js';
import type { Strand, StreamWay } from '../ports/stream-way.js';

/** What the streams of one side of a wire have to say: they take turns, so that none keeps the others from the wire. */
export class Strands implements Outlet<Envelope>, StreamWay {
  readonly #turns = new Ring<Strand>(Infinity);
  readonly #readiness = new Readiness();

  get hasReady(): boolean {
    for (let strand = this.#turns.peek(); strand; strand = this.#turns.peek()) {
      if (strand.awakeOn === this && strand.hasReady) return true;
      this.#shift();
    }
    return false;
  }

  watch(tell: () => void): Subscription {
    return this.#readiness.watch(tell);
  }

  wake(strand: Strand): void {
    if (this.#push(strand) && this.#turns.size === 1) this.#readiness.tell();
  }

  /** Ends early where their payloads get heavy, so that what waits behind the batch does not wait long. */
  fill(batch: Envelope[], max: number): void {
    let bytes = 0;
    while (this.#turns.size > 0 && batch.length < max && bytes < limits.batchBytesMax) {
      const strand = this.#shift();
      if (!strand) continue;
      bytes += strand.fill(batch, Math.min(max, batch.length + limits.itemsInARowMax));
      if (strand.hasReady) this.#push(strand);
    }
  }

  /** The wire is gone, and with it all that was to be said by it. */
  clear(): void {
    while (this.#turns.size > 0) this.#shift();
  }

  /** Whether it did not wait for its turn before. */
  #push(strand: Strand): boolean {
    if (strand.awakeOn === this) return false;
    strand.awakeOn = this;
    this.#turns.push(strand);
    return true;
  }

  /** The next one, unless it went to another wire meanwhile. */
  #shift(): Strand | undefined {
    const strand = this.#turns.shift();
    if (strand?.awakeOn !== this) return undefined;
    strand.awakeOn = undefined;
    return strand;
  }
}
