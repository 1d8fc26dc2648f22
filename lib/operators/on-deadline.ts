import type { Timed } from '../core/timed.js';
import type { DeadlineWheel } from './deadline-wheel.js';

class Due implements Timed {
  readonly deadline: number;
  readonly expire: () => void;
  earlier: Timed | undefined;
  later: Timed | undefined;
  tick = 0;

  constructor(deadline: number, expire: () => void) {
    this.deadline = deadline;
    this.expire = expire;
  }
}

/** Calls back once, at that deadline (epoch ms; Infinity for never). Gives back what takes that back. */
export const onDeadline = (deadline: number, wheel: DeadlineWheel, expire: () => void): (() => void) => {
  if (deadline === Infinity) return ignore;
  const due = new Due(deadline, expire);
  wheel.add(due);
  return () => {
    wheel.remove(due);
  };
};

const ignore = (): void => undefined;
