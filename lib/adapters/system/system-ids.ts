import { randomInt } from 'node:crypto';
import type { Clock } from '../../ports/clock.js';
import { Ids } from '../../ports/ids.js';

const timeDigits = 9;
const countDigits = 4;
const sourceDigits = 12;
const countMax = 36 ** countDigits;

/**
 * Ids of 25 lower case letters and digits that are unique everywhere: the ms since 1970, a counter within one ms, and what
 * tells this source from all others (62 random bits). They sort by time; those of one source strictly rise, also within one
 * ms and where the clock stands still.
 */
export class SystemIds extends Ids {
  readonly #clock: Clock;
  readonly #source = Array.from({ length: sourceDigits }, () => randomInt(36).toString(36)).join('');
  #ms = 0;
  #count = 0;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  override next(): string {
    const ms = Math.floor(this.#clock.now());
    this.#count += 1;
    if (ms > this.#ms || this.#count === countMax) {
      this.#ms = Math.max(ms, this.#ms + 1);
      this.#count = 0;
    }
    return fixed(this.#ms, timeDigits) + fixed(this.#count, countDigits) + this.#source;
  }
}

const fixed = (value: number, digits: number): string => value.toString(36).padStart(digits, '0');
