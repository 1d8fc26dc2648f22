import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import type { Random } from '../../lib/index.js';

/** Chance, in the words of a schedule. */
export class Dice {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** From 0 up to, and not including, `bound`. */
  below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  pick<T>(values: readonly T[]): T | undefined {
    return values[this.below(values.length)];
  }
}
