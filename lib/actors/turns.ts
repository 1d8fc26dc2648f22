import { limits } from '../core/limits.js';
import type { Clock } from '../ports/clock.js';

/** Who has something to do, and does it a few pieces at a time. */
export interface Taker {
  /** Does at most so many pieces, and gives how many it did. It adds itself again if there are more. */
  take(max: number): number;
}

/**
 * Lets the actors of one tree have their turns, one behind the other. Nothing runs inside of what gave rise to it, so that neither
 * cycles of messages nor chains of them take any stack; and after so many pieces the rest of the process has its turn.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #waiting: Taker[] = [];
  /** Whether their next turn is coming, or is under way. */
  #isDue = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(taker: Taker): void {
    this.#waiting.push(taker);
    if (!this.#isDue) this.#await();
  }

  #await(): void {
    this.#isDue = true;
    this.#clock.schedule(() => {
      this.#run();
    }, 0);
  }

  /** What is added meanwhile stands behind those that wait. */
  #run(): void {
    let left: number = limits.messagesPerTurnMax;
    let at = 0;
    try {
      while (left > 0 && at < this.#waiting.length) {
        const taker = this.#waiting[at] as Taker;
        at += 1;
        left -= taker.take(Math.min(left, limits.messagesInARowMax));
      }
    } finally {
      this.#waiting.splice(0, at);
      this.#isDue = false;
      if (this.#waiting.length > 0) this.#await();
    }
  }
}
