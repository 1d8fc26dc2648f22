import { type Counter, Meter } from '../../ports/meter.js';

/** Keeps the counters in memory. The names are the program's, so they are as few as its code has. */
export class CountingMeter extends Meter {
  readonly #counters = new Map<string, Counter>();

  override counter(name: string): Counter {
    const known = this.#counters.get(name);
    if (known !== undefined) return known;
    const counter = { total: 0 };
    this.#counters.set(name, counter);
    return counter;
  }

  override read(): ReadonlyMap<string, number> {
    return new Map([...this.#counters].map(([name, { total }]) => [name, total]));
  }
}
