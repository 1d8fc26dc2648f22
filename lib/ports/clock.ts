import type { SchedulerAction, SchedulerLike, Subscription } from 'rxjs';

/**
 * Time, as RxJS' schedulers have it, so that it fits wherever an operator takes one. `now()` is in epoch ms and never runs
 * backwards; work scheduled with a delay of 0 runs once the present turn of the event loop is over.
 */
export abstract class Clock implements SchedulerLike {
  abstract now(): number;
  abstract schedule<T>(work: (this: SchedulerAction<T>, state: T) => void, delay: number, state: T): Subscription;
  abstract schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay?: number, state?: T): Subscription;
}
