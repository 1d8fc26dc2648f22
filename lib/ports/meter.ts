/** One figure that only rises; whoever counts adds to `total` itself, for it is on the hot path. */
export interface Counter {
  total: number;
}

/** Counts what happens: every terminal event and every time that a bound was met. */
export abstract class Meter {
  /** The counter of that name: the same one for the same name. */
  abstract counter(name: string): Counter;
  /** All counters and their totals, as they stand. */
  abstract read(): ReadonlyMap<string, number>;
}
