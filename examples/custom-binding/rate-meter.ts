import { type Clock, type Counter, Meter } from 'skein';

/** Counts like Skein's own meter, and knows for how long it has. */
export class RateMeter extends Meter {
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #counters = new Map<string, Counter>();

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  override counter(name: string): Counter {
    const counter = this.#counters.get(name) ?? { total: 0 };
    this.#counters.set(name, counter);
    return counter;
  }

  override read(): ReadonlyMap<string, number> {
    return new Map([...this.#counters].map(([name, { total }]) => [name, total]));
  }

  /** How often it happened in each second so far. */
  rate(name: string): number {
    return (this.counter(name).total * 1_000) / Math.max(1, this.#clock.now() - this.#startedAt);
  }
}
