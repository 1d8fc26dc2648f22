import { Observable, type Subscriber } from 'rxjs';
import type { Clock } from '../../ports/clock.js';
import { goneError } from '../wires/gone-error.js';
import { type Frames, sendProblem } from '../wires/marks.js';

const waitMsMax = 25;

/** The socket is full for this peer, or still has an earlier message in hand. */
const isBusy = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EAGAIN' || code === 'EBUSY';
};

/** How one wire hands its messages to its socket. */
export interface Outlet {
  readonly clock: Clock;
  readonly peer: string;
  readonly messageBytesMax: number;
  /** Rejects or throws where the socket does not take the message. */
  readonly post: (frames: Frames) => Promise<void>;
  readonly isGone: () => boolean;
  /** The socket says that it cannot reach the peer. */
  readonly onUnreachable: () => void;
}

/**
 * Sends when subscribed, at once, and completes when the socket took the message. Where it is full for this peer, tries again
 * after waits that grow from nothing to 25 ms, so that no other peer waits for this one.
 */
export const sending = (outlet: Outlet, frames: Frames): Observable<never> =>
  new Observable((subscriber) => {
    const problem = sendProblem(frames, outlet.messageBytesMax);
    if (problem === undefined) attempt(outlet, frames, subscriber, 0);
    else subscriber.error(problem);
  });

/** Sends one of this network's own messages. */
export const sendingMark = (outlet: Outlet, frames: Frames): Observable<never> =>
  new Observable((subscriber) => {
    attempt(outlet, frames, subscriber, 0);
  });

const attempt = (outlet: Outlet, frames: Frames, subscriber: Subscriber<never>, waitMs: number): void => {
  const fail = (error: unknown): void => {
    if (outlet.isGone() || !isBusy(error)) {
      outlet.onUnreachable();
      subscriber.error(goneError(outlet.peer, error));
    } else if (!subscriber.closed) {
      const again = outlet.clock.schedule(() => {
        subscriber.remove(again);
        attempt(outlet, frames, subscriber, Math.min(waitMsMax, waitMs * 2 + 1));
      }, waitMs);
      subscriber.add(again);
    }
  };
  if (outlet.isGone()) {
    subscriber.error(goneError(outlet.peer));
    return;
  }
  try {
    outlet.post(frames).then(() => {
      subscriber.complete();
    }, fail);
  } catch (error) {
    fail(error);
  }
};
