import { limits } from '../core/limits.js';
import { SkeinError } from '../core/errors.js';
import { onDeadline } from '../operators/on-deadline.js';
import { throwApart } from '../operators/throw-apart.js';
import type { RpcPorts } from './rpc-ports.js';
import { onWithdrawn, type Terms } from './terms.js';

/** Runs it within the work that a request is part of; what it throws, as a teardown may, is nothing to who calls it. */
const within = ({ work }: Terms, { ambient }: RpcPorts, run: () => void): void => {
  try {
    ambient.run(work, run);
  } catch (thrown) {
    throwApart(thrown);
  }
};

/**
 * Calls `late` once a deadline of a request's is over, within the work that it is part of: a tick later, by when what is under way has
 * ended by itself. Gives back what takes that back.
 */
export const onOverdue = (deadline: number, terms: Terms, ports: RpcPorts, late: () => void): (() => void) =>
  onDeadline(deadline + limits.wheelTickMs, ports.wheel, () => {
    within(terms, ports, late);
  });

/**
 * Calls `fail` as whoever opened a stream gives it up, and once the time for the whole is over, which is so many ms, within the work that
 * it is part of. Gives back what takes that back.
 */
export const onGivenUp = (terms: Terms, timeoutMs: number, ports: RpcPorts, fail: (error: SkeinError) => void): (() => void) => {
  const release = onWithdrawn(terms, (reason) => {
    within(terms, ports, () => {
      fail(new SkeinError('cancelled', { reason }));
    });
  });
  const leave = onOverdue(terms.wholeDeadline, terms, ports, () => {
    fail(new SkeinError('deadline-exceeded', { timeoutMs }));
  });
  return () => {
    leave();
    release();
  };
};
