import { defer, type MonoTypeOperatorFunction, retry, type SchedulerLike, tap, timer } from 'rxjs';
import { type Backoff, backoffMs } from '../core/backoff.js';
import type { Random } from '../ports/random.js';

export interface RedialOptions {
  readonly backoff: Backoff;
  readonly random: Random;
  readonly clock: SchedulerLike;
  /** Told of each failure, and of how long the wait is, before it begins. */
  readonly onFailure?: (error: unknown, waitMs: number) => void;
}

/** Subscribes again after an error, for ever, waiting longer after each failure in a row; a value ends the row. */
export const redial =
  <T>({ backoff, random, clock, onFailure }: RedialOptions): MonoTypeOperatorFunction<T> =>
  (source$) =>
    defer(() => {
      let failures = 0;
      return source$.pipe(
        tap(() => (failures = 0)),
        retry({
          delay: (error: unknown) => {
            const waitMs = backoffMs(failures, backoff, random.next());
            failures += 1;
            onFailure?.(error, waitMs);
            return timer(waitMs, clock);
          },
        }),
      );
    });
