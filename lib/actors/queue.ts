import type { Backlog } from '../core/backlog.js';
import type { Overflow } from '../core/overflow.js';

/** A queue, as far as it is shown. */
export interface Queue {
  readonly size: number;
  readonly max: number;
  /** Default `fail`. */
  readonly overflow?: Overflow;
  readonly dropped?: number;
  readonly taken?: number;
}

export const shown = ({ size, max, overflow = 'fail', dropped = 0 }: Queue): Omit<Backlog, 'name'> => ({
  depth: size,
  max,
  overflow,
  dropped,
});

/** What waits in a collection of that bound. */
export const queueOf = (waiting: { readonly size: number }, max: number): Queue => ({
  get size() {
    return waiting.size;
  },
  max,
});
