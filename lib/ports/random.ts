/** Seeded chance. */
export abstract class Random {
  /** From 0 up to, and not including, 1. */
  abstract next(): number;
}
