import { from, Observable, type ObservableInput, type OperatorFunction, Subscription, takeWhile } from 'rxjs';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import { checkCounts } from './check-counts.js';

/**
 * Runs `project` for each value, at most `concurrency` at once, and merges what they emit; further values wait in order. Like
 * `mergeMap(project, concurrency)`, with two differences: a backlog of projections that complete at once does not overflow the
 * stack, and no more than `max` values wait (default 65,536): one more errors with `overloaded`. Throws
 * `invalid-argument` for what is no count.
 */
export const mergeBounded = <T, R>(
  concurrency: number,
  project: (value: T, index: number) => ObservableInput<R>,
  max: number = limits.waitingMax,
): OperatorFunction<T, R> => {
  checkCounts('mergeBounded', { concurrency, max });
  return (source$) =>
    new Observable<R>((subscriber) => {
      const waiting = new Ring<{ readonly value: T }>(max);
      const inner = new Subscription();
      let running = 0;
      let index = 0;
      let isStarting = false;
      let isOver = false;

      /** Stops what would emit without end, before its subscription could be kept. */
      const whileWanted = <V>() => takeWhile<V>(() => !subscriber.closed);
      const start = (value: T): void => {
        running += 1;
        const one = new Subscription();
        inner.add(one);
        let projected$: Observable<R>;
        try {
          projected$ = from(project(value, index++)).pipe(whileWanted());
        } catch (error) {
          subscriber.error(error);
          return;
        }
        one.add(
          projected$.subscribe({
            next: (result) => subscriber.next(result),
            error: (error: unknown) => subscriber.error(error),
            complete: () => {
              // It lets go of what it held before the next one takes its place.
              one.unsubscribe();
              running -= 1;
              startWaiting();
            },
          }),
        );
      };
      /** A projection that completes at once comes back here: the loop that started it goes on, instead of one inside it. */
      const startWaiting = (): void => {
        if (isStarting) return;
        isStarting = true;
        while (running < concurrency && !subscriber.closed) {
          const next = waiting.shift();
          if (!next) break;
          start(next.value);
        }
        isStarting = false;
        if (isOver && running === 0 && waiting.size === 0) subscriber.complete();
      };

      const outer = source$.pipe(whileWanted()).subscribe({
        next: (value) => {
          if (waiting.push({ value })) startWaiting();
          else {
            subscriber.error(
              new SkeinError('overloaded', { retryAfterMs: undefined }, { message: `more than ${String(max)} values wait` }),
            );
          }
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          isOver = true;
          startWaiting();
        },
      });
      return () => {
        outer.unsubscribe();
        inner.unsubscribe();
      };
    });
};
