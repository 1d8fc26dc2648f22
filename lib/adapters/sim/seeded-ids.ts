import type { Clock } from '../../ports/clock.js';
import { Ids } from '../../ports/ids.js';

/**
 * Ids that are the same in every run: the clock's ms, a counter, and the node's name. Later ones sort behind earlier ones;
 * two nodes never make the same. Keep one for a node over all its restarts, so that no run repeats an id of another.
 */
export class SeededIds extends Ids {
  readonly #clock: Clock;
  readonly #name: string;
  #count = 0;

  constructor(name: string, clock: Clock) {
    super();
    this.#clock = clock;
    this.#name = name.replace(/[^A-Za-z0-9]/gu, (sign) => `-${(sign.codePointAt(0) ?? 0).toString(36)}-`);
  }

  override next(): string {
    this.#count += 1;
    return `${fixed(Math.floor(this.#clock.now()), 9)}${fixed(this.#count, 7)}-${this.#name}`;
  }
}

const fixed = (value: number, digits: number): string => value.toString(36).padStart(digits, '0');
