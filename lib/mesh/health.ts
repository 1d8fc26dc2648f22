import { limits } from '../core/limits.js';

/**
 * Whether a server does its work, judged by how its requests end: so many failures in a row eject it for a time, which doubles with
 * each further ejection, as Envoy's outlier detection has it ("consecutive 5xx", base and maximum ejection time). When it is back,
 * one success and it is as good as new; one more failure, and it is ejected again.
 */
export class Health {
  #failures = 0;
  #ejections = 0;
  #isEjected = false;

  /** Whether it gets no new work. */
  get isEjected(): boolean {
    return this.#isEjected;
  }

  /** A request was answered as it should be. What was sent before says nothing of a server that is ejected since. */
  succeeded(): void {
    if (this.#isEjected) return;
    this.#failures = 0;
    this.#ejections = 0;
  }

  /** A request failed, by the server's fault as far as one can tell; whether it is to be ejected. */
  failed(): boolean {
    if (this.#isEjected) return false;
    this.#failures += 1;
    return this.#failures >= limits.failuresMax;
  }

  /** Ejects it; gives back for how long, in ms. */
  eject(): number {
    this.#isEjected = true;
    const { minMs, maxMs } = limits.ejection;
    const ms = Math.min(minMs * 2 ** this.#ejections, maxMs);
    this.#ejections += 1;
    return ms;
  }

  /** Its time is over. */
  return(): void {
    this.#isEjected = false;
  }
}
