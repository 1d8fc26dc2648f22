import { SkeinError } from '../../core/errors.js';
import type { Timed } from '../../core/timed.js';
import { throwApart } from '../../operators/throw-apart.js';
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

/**
 * Calls `fail` once whoever sent a request gives it up, or the time for the whole is over, which is so many ms; within the work that it
 * is part of. Gives back what takes that back.
 */
export const onGivenUp = (
  terms: Terms,
  timeoutMs: number,
  { wheel, ambient }: RpcPorts,
  fail: (error: SkeinError) => void,
): (() => void) => {
  const tell = (error: SkeinError): void => {
    try {
      ambient.run(terms.work, fail, error);
    } catch (thrown) {
      throwApart(thrown);
    }
  };
  const release = onWithdrawn(terms, (reason) => {
    tell(new SkeinError('cancelled', { reason }));
  });
  if (terms.wholeDeadline === Infinity) return release;
  const whole = new Whole(terms.wholeDeadline, () => {
    tell(new SkeinError('deadline-exceeded', { timeoutMs }));
  });
  wheel.add(whole);
  return () => {
    wheel.remove(whole);
    release();
  };
};
