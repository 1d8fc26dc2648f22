import { interval, map, type Observable, type SchedulerLike, startWith, filter, take, merge, timer } from 'rxjs';

export interface PollOptions {
  readonly everyMs: number;
  /** When to give up, in ms. */
  readonly withinMs: number;
  readonly clock: SchedulerLike;
}

/** Asks until it is so: true then, at once if it is so already, or false when the time is up. */
export const pollUntil = (isSo: () => boolean, { everyMs, withinMs, clock }: PollOptions): Observable<boolean> =>
  merge(
    interval(everyMs, clock).pipe(
      startWith(0),
      filter(() => isSo()),
      map(() => true),
    ),
    timer(withinMs, clock).pipe(map(() => isSo())),
  ).pipe(take(1));
