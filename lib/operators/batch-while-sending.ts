import { defer, NEVER, Observable, type SchedulerLike, Subscription } from 'rxjs';
import type { Outlet } from './outlet.js';

export interface BatchOptions {
  /** Values in one batch. */
  readonly max: number;
  readonly clock: SchedulerLike;
  /** While true, nothing leaves; at false, what is ready leaves at once rather than at the end of the turn. By default it never is. */
  readonly corked$?: Observable<boolean>;
}

/**
 * What becomes ready while a batch is being sent, or within one turn, leaves as the next batch; a single value leaves at the
 * end of its turn, or as it is uncorked. One batch is under way at a time; errors when one cannot be made or sent.
 * The bench's `call` at windows 64 and 1,000 is what the loop is for.
 */
export const batchWhileSending = <T>(
  outlet: Outlet<T>,
  send: (batch: T[]) => Observable<never>,
  { max, clock, corked$ = NEVER }: BatchOptions,
): Observable<never> =>
  new Observable((subscriber) => {
    let turn: Subscription | undefined;
    let sending: Subscription | undefined;
    let isCorked = false;

    const flush = (): void => {
      turn = undefined;
      const batch: T[] = [];
      // What fills it may make more ready, which is for the batch behind it.
      sending = new Subscription();
      outlet.fill(batch, max);
      if (batch.length === 0) {
        goOn();
        return;
      }
      sending.add(
        defer(() => send(batch)).subscribe({
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: goOn,
        }),
      );
    };
    const goOn = (): void => {
      sending = undefined;
      if (outlet.hasReady) wake();
    };
    const wake = (): void => {
      if (turn === undefined && sending === undefined && !isCorked) turn = clock.schedule(flush, 0);
    };

    const cork = (corked: boolean): void => {
      isCorked = corked;
      turn?.unsubscribe();
      turn = undefined;
      if (!corked && sending === undefined) flush();
    };

    const ready = outlet.watch(wake);
    ready.add(corked$.subscribe({ next: cork, error: (error: unknown) => subscriber.error(error) }));
    if (outlet.hasReady) wake();
    return () => {
      ready.unsubscribe();
      turn?.unsubscribe();
      sending?.unsubscribe();
    };
  });
