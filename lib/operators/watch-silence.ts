import { Observable, type SchedulerLike, type Subscription } from 'rxjs';

export interface SilenceOptions {
  /** How often the other side says something when all is well, in ms; asked anew at each judgement, since it may say so itself. */
  readonly intervalMs: () => number;
  /** Silent intervals after which it is suspect, and after which it is lost. */
  readonly suspectBeats: number;
  readonly lostBeats: number;
  readonly clock: SchedulerLike;
}

export type Vital = 'live' | 'suspect' | 'lost';

/**
 * Judges a peer by its traffic: `suspect` after so many silent intervals, `live` at the next sign of life, `lost` (and
 * completion) when it stays silent. It keeps one timer, whatever the traffic. A timer that comes late by more than an
 * interval means that this process stood still, not the peer: it is then given another interval to be heard.
 */
export const watchSilence =
  ({ intervalMs: askIntervalMs, suspectBeats, lostBeats, clock }: SilenceOptions) =>
  (traffic$: Observable<unknown>): Observable<Vital> =>
    new Observable<Vital>((subscriber) => {
      let heardAt = clock.now();
      let isSuspect = false;
      let check: Subscription | undefined;

      const checkIn = (delayMs: number): void => {
        const dueAt = clock.now() + delayMs;
        check = clock.schedule(() => {
          judge(clock.now() - dueAt);
        }, delayMs);
      };
      const judge = (lateMs: number): void => {
        const intervalMs = askIntervalMs();
        if (lateMs > intervalMs) {
          checkIn(intervalMs);
          return;
        }
        const quietMs = clock.now() - heardAt;
        if (quietMs >= lostBeats * intervalMs) {
          subscriber.next('lost');
          subscriber.complete();
          return;
        }
        if (!isSuspect && quietMs >= suspectBeats * intervalMs) {
          isSuspect = true;
          subscriber.next('suspect');
          if (subscriber.closed) return;
        }
        checkIn((isSuspect ? lostBeats : suspectBeats) * intervalMs - quietMs);
      };

      const traffic = traffic$.subscribe({
        next: () => {
          heardAt = clock.now();
          if (!isSuspect) return;
          isSuspect = false;
          check?.unsubscribe();
          checkIn(suspectBeats * askIntervalMs());
          subscriber.next('live');
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
      });
      checkIn(suspectBeats * askIntervalMs());
      return () => {
        traffic.unsubscribe();
        check?.unsubscribe();
      };
    });
