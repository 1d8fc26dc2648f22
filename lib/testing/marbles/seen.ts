import type { Mark, Step } from './diagram.js';

/** Values by their names in a diagram; what is not named stands for itself: a text, a number or a flag. */
export type Values<T> = Readonly<Record<string, T>>;

/** What was seen, in ms since the start. */
export interface Seen {
  readonly atMs: number;
  readonly kind: Mark['kind'];
  /** The value, or the error. */
  readonly value?: unknown;
}

export interface Expected {
  readonly steps: readonly Step[];
  readonly values: Values<unknown>;
  /** What `#` without a name stands for; any error where it is left out. */
  readonly error?: unknown;
}
