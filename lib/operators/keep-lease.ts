import { defer, filter, type Observable, repeat, type SchedulerLike, takeWhile, timer } from 'rxjs';

export interface LeaseOptions {
  /** How long a lease lives unrenewed, in ms; it is renewed three times within. */
  readonly leaseMs: number;
  readonly clock: SchedulerLike;
}

/** What became of an attempt: `made` and `renewed` hold the lease; `lost` is final, for someone else has it. */
export type Lease = 'made' | 'renewed' | 'lost';

/** Holds a lease while subscribed: emits each time that it was made, or made anew; completes when it is lost for good. */
export const keepLease = (attempt: () => Observable<Lease>, { leaseMs, clock }: LeaseOptions): Observable<'made'> =>
  defer(attempt).pipe(
    repeat({ delay: () => timer(leaseMs / 3, clock) }),
    takeWhile((lease) => lease !== 'lost'),
    filter((lease) => lease === 'made'),
  );
