import type { Resumption } from '../core/envelope.js';
import { limits } from '../core/limits.js';

/** The casts that came by one wire: so that their sender can be told which did, should the wire be lost before it was told. */
export class ArrivedCasts {
  #count = 0;
  #newest = 0;
  /** The newest of those that were refused, the oldest first. */
  readonly #refused = new Set<number>();
  #isSure = true;

  /** The id of the one that came last; 0 before any. */
  get newest(): number {
    return this.#newest;
  }

  arrived(id: number): void {
    this.#count += 1;
    this.#newest = id;
    // It was refused before, has been elsewhere, and is here again.
    this.#refused.delete(id);
  }

  refused(id: number): void {
    this.#refused.add(id);
    if (this.#refused.size <= limits.refusedCastsMax) return;
    for (const oldest of this.#refused) {
      this.#refused.delete(oldest);
      break;
    }
    this.#isSure = false;
  }

  /** Undefined where more were refused than are remembered. */
  read(): Resumption | undefined {
    return this.#isSure ? { casts: this.#count, id: this.#newest, refused: [...this.#refused] } : undefined;
  }
}
