import { limits } from '../core/limits.js';

/**
 * How fast a queue moves while it is not empty, and so how long all that waits in it will take: that is the number of those that
 * wait times the mean time between two that leave, which is how long each is at work divided by how many are at once (Little's
 * law). No clock is read as requests start, but only as a queue begins and as one is refused.
 */
export class Pace {
  #since = 0;
  #left = 0;
  #msEach: number | undefined;

  /** Something waits again, from now (epoch ms) on. */
  begin(now: number): void {
    this.#since = now;
    this.#left = 0;
  }

  /** One has left the queue. */
  step(): void {
    this.#left += 1;
  }

  /** How long so many that wait now (epoch ms) will take, in ms; unknown until the first has left. */
  waitMs(waiting: number, now: number): number | undefined {
    const elapsedMs = now - this.#since;
    if (this.#left > 0) this.#msEach = elapsedMs / this.#left;
    // None for longer than the usual is slower than what was measured before.
    else if (this.#msEach !== undefined) this.#msEach = Math.max(this.#msEach, elapsedMs);
    if (elapsedMs >= limits.paceMs) this.begin(now);
    return this.#msEach === undefined ? undefined : Math.ceil(waiting * this.#msEach);
  }
}
