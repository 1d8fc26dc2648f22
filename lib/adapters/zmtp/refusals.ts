import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';

/** How long the next warning waits for others to be told of with it, in ms. */
const quietMs = 10_000;

/** Warns of peers that are turned away, each with the reason; of many within a short time it names one, and counts the others. */
export class Refusals {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #toldAt = -Infinity;
  #untold = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  tell(peer: string, reason: string): void {
    const now = this.#clock.now();
    if (now - this.#toldAt < quietMs) {
      this.#untold += 1;
      return;
    }
    this.#logger.warn('a peer does not keep to ZMTP, and is turned away', { peer, reason, othersBefore: this.#untold });
    this.#toldAt = now;
    this.#untold = 0;
  }
}
