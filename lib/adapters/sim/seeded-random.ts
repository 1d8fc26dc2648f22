import { Random } from '../../ports/random.js';

/**
 * The same numbers for the same seed, a whole number of which 32 bits count. Mulberry32 (T. Ettinger, 2017): one addition and
 * two rounds of mixing a number; good enough to choose faults, useless for secrets.
 */
export class SeededRandom extends Random {
  #state: number;

  constructor(seed: number) {
    super();
    this.#state = seed | 0;
  }

  override next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
