import { type Observable, Subject } from 'rxjs';
import type { Envelope } from '../core/envelope.js';
import { limits } from '../core/limits.js';
import type { Outlet } from '../operators/outlet.js';
import type { Strand, StreamWay } from '../ports/stream-way.js';

/** What the streams of one side of a wire have to say: they take turns, so that none keeps the others from the wire. */
export class Strands implements Outlet<Envelope>, StreamWay {
  readonly #ready = new Set<Strand>();
  readonly #ready$ = new Subject<void>();

  get hasReady(): boolean {
    for (const strand of this.#ready) {
      if (strand.hasReady) return true;
      this.#ready.delete(strand);
    }
    return false;
  }

  get ready$(): Observable<void> {
    return this.#ready$;
  }

  wake(strand: Strand): void {
    this.#ready.add(strand);
    if (this.#ready.size === 1) this.#ready$.next();
  }

  /** Ends early where their payloads get heavy, so that what waits behind the batch does not wait long. */
  fill(batch: Envelope[], max: number): void {
    let bytes = 0;
    // One that goes to the end is met again.
    for (const strand of this.#ready) {
      if (batch.length >= max || bytes >= limits.batchBytesMax) return;
      this.#ready.delete(strand);
      bytes += strand.fill(batch, Math.min(max, batch.length + limits.itemsInARowMax));
      if (strand.hasReady) this.#ready.add(strand);
    }
  }

  /** The wire is gone, and with it all that was to be said by it. */
  clear(): void {
    this.#ready.clear();
  }
}
