import type { Clock } from '../../ports/clock.js';
import type { Random } from '../../ports/random.js';
import type { Route } from '../memory/route.js';

/** How long a message takes, in ms: always the same, or anything from the first up to the second. */
export type Latency = number | readonly [minMs: number, maxMs: number];

/** How many messages have set off, on all routes. */
export interface Tally {
  messages: number;
}

/** One direction between two hosts, with what can go wrong on it. */
export class SimRoute implements Route {
  readonly #random: Random;
  readonly #tally: Tally;
  #isCut = false;
  #cuts = 0;
  /** How probable it is that a message gets lost, from 0 to 1. */
  loss = 0;
  latencyMs: Latency;
  /** How many of the next messages get lost. */
  drops = 0;

  constructor(random: Random, latencyMs: Latency, tally: Tally) {
    this.#random = random;
    this.#tally = tally;
    this.latencyMs = latencyMs;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  cut(): void {
    this.#isCut = true;
    this.#cuts += 1;
  }

  /** Ends the cut once what it held up had time to be sent again, so that nothing overtakes that; calls back then. */
  heal(clock: Clock, healed: () => void): void {
    const cuts = this.#cuts;
    clock.schedule(() => {
      if (!this.#isCut || cuts !== this.#cuts) return;
      this.#isCut = false;
      healed();
    }, this.delayMs());
  }

  delayMs(): number {
    if (typeof this.latencyMs === 'number') return this.latencyMs;
    const [minMs, maxMs] = this.latencyMs;
    return minMs + (maxMs - minMs) * this.#random.next();
  }

  loses(): boolean {
    this.#tally.messages += 1;
    if (this.drops > 0) {
      this.drops -= 1;
      return true;
    }
    return this.loss > 0 && this.#random.next() < this.loss;
  }
}
