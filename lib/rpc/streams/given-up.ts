import { SkeinError } from '../../core/errors.js';
import type { Timed } from '../../core/timed.js';
import type { RpcPorts } from '../rpc-ports.js';
import { onWithdrawn, type Terms } from '../terms.js';

/** When the whole of a request is to be over. */
class Whole implements Timed {
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

/** Calls `fail` once whoever sent a request gives it up, or the time for the whole is over; gives back what takes that back. */
export const onGivenUp = (terms: Terms, { wheel, clock }: RpcPorts, fail: (error: SkeinError) => void): (() => void) => {
  const release = onWithdrawn(terms, (reason) => {
    fail(new SkeinError('cancelled', { reason }));
  });
  if (terms.wholeDeadline === Infinity) return release;
  const timeoutMs = Math.max(0, terms.wholeDeadline - clock.now());
  const whole = new Whole(terms.wholeDeadline, () => {
    fail(new SkeinError('deadline-exceeded', { timeoutMs }));
  });
  wheel.add(whole);
  return () => {
    wheel.remove(whole);
    release();
  };
};
