import { performance } from 'node:perf_hooks';
import { type SchedulerAction, Subscription } from 'rxjs';
import { Clock } from '../../ports/clock.js';

/** The longest wait that Node's timers take; what is longer is waited for in parts. */
const timerMsMax = 2 ** 31 - 1;

/** Read once: it is asked for with every request, and the property costs more than the clock. */
const { timeOrigin } = performance;

/**
 * This process' clock: epoch ms that never run backwards, since only the start of the process is read off the wall clock.
 * Work never runs early. Scheduled work keeps the process alive until it ran or was unsubscribed.
 */
export class SystemClock extends Clock {
  override now(): number {
    return timeOrigin + performance.now();
  }

  override schedule<T>(work: (this: SchedulerAction<T>, state: T) => void, delay = 0, state?: T): Subscription {
    return new SystemAction(this, work as (this: SchedulerAction<T>, state?: T) => void).schedule(state, delay);
  }
}

/** Runs its work once for each time that it is scheduled, and closes where the work did not schedule it again. */
class SystemAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #clock: Clock;
  readonly #work: (this: SchedulerAction<T>, state?: T) => void;
  #state: T | undefined;
  #dueMs = 0;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, work: (this: SchedulerAction<T>, state?: T) => void) {
    super();
    this.#clock = clock;
    this.#work = work;
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    this.#disarm();
    this.#state = state;
    if (delay > 0) {
      this.#dueMs = this.#clock.now() + delay;
      this.#await(delay);
    } else {
      this.#immediate = setImmediate(run, this);
    }
    return this;
  }

  override unsubscribe(): void {
    if (this.closed) return;
    this.#disarm();
    super.unsubscribe();
  }

  run(): void {
    this.#immediate = undefined;
    const state = this.#state;
    this.#state = undefined;
    try {
      this.#work(state);
    } finally {
      if (this.#immediate === undefined && this.#timer === undefined) this.unsubscribe();
    }
  }

  /** Node cuts its timers' times to whole ms, so that they may fire up to one too early. */
  wake(): void {
    this.#timer = undefined;
    const leftMs = this.#dueMs - this.#clock.now();
    if (leftMs > 0) this.#await(leftMs);
    else this.run();
  }

  #await(delay: number): void {
    this.#timer = setTimeout(wake, Math.min(Math.ceil(delay), timerMsMax), this);
  }

  #disarm(): void {
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#immediate = undefined;
    this.#timer = undefined;
  }
}

// Shared functions, so that scheduling allocates no closure: one action is made for each batch of messages.
const run = (action: { run(): void }): void => {
  action.run();
};
const wake = (action: { wake(): void }): void => {
  action.wake();
};
