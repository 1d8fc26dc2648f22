import { type SchedulerAction, Subscription } from 'rxjs';
import { Clock } from '../../ports/clock.js';
import type { Enter } from '../current.js';

export interface HostTime {
  /** By how much the host's clock is wrong from the start, in ms; 0 by default. */
  readonly skewMs?: number;
  /** By how much it runs too fast: 0.001 gains a second in a thousand. 0 by default. */
  readonly drift?: number;
}

/** The simulated world's time as one process sees it, which stands still for ever once the process is dead. */
export class HostClock extends Clock {
  readonly #world: Clock;
  readonly #rate: number;
  readonly #startMs: number;
  readonly #enter: Enter;
  readonly #due = new Set<Subscription>();
  readonly #agenda: Agenda = {
    enter: (run, delayMs) =>
      this.#world.schedule(() => {
        this.#enter(run);
      }, delayMs / this.#rate),
    strike: (action) => {
      this.#due.delete(action);
    },
  };
  #skewMs: number;
  #isDead = false;

  constructor(world: Clock, { skewMs = 0, drift = 0 }: HostTime, enter: Enter) {
    super();
    this.#world = world;
    this.#rate = 1 + drift;
    this.#startMs = world.now();
    this.#skewMs = skewMs;
    this.#enter = enter;
  }

  /** What is scheduled and has neither happened nor been taken back. */
  get pending(): number {
    return this.#due.size;
  }

  override now(): number {
    return this.#startMs + this.uptime() + this.#skewMs;
  }

  /** How long its process has run, in ms, which no one can set. */
  uptime(): number {
    return (this.#world.now() - this.#startMs) * this.#rate;
  }

  override schedule<T>(work: (this: SchedulerAction<T>, state: T) => void, delayMs = 0, state?: T): Subscription {
    if (this.#isDead) return Subscription.EMPTY;
    const action = new HostAction(work as (this: SchedulerAction<T>, state?: T) => void, this.#agenda);
    this.#due.add(action);
    return action.schedule(state, delayMs);
  }

  /** Someone sets it: what it says changes by so much, and what is scheduled comes as it would have. */
  jump(ms: number): void {
    this.#skewMs += ms;
  }

  die(): void {
    this.#isDead = true;
    for (const action of [...this.#due]) action.unsubscribe();
  }
}

/** The part of a clock that its actions see. */
interface Agenda {
  enter(run: () => void, delayMs: number): Subscription;
  strike(action: Subscription): void;
}

/** Runs its work once for each time that it is scheduled, when the process comes to it, and closes where the work did not schedule it again. */
class HostAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #work: (this: SchedulerAction<T>, state?: T) => void;
  readonly #agenda: Agenda;
  #state: T | undefined;
  #due: Subscription | undefined;

  constructor(work: (this: SchedulerAction<T>, state?: T) => void, agenda: Agenda) {
    super();
    this.#work = work;
    this.#agenda = agenda;
  }

  schedule(state?: T, delayMs = 0): Subscription {
    if (this.closed) return this;
    this.#state = state;
    this.#due?.unsubscribe();
    const due = this.#agenda.enter(() => {
      // It may have been put off, or taken back, while its process was paused.
      if (this.#due === due) this.#run();
    }, delayMs);
    this.#due = due;
    return this;
  }

  override unsubscribe(): void {
    if (this.closed) return;
    this.#due?.unsubscribe();
    this.#due = undefined;
    this.#agenda.strike(this);
    super.unsubscribe();
  }

  #run(): void {
    this.#due = undefined;
    try {
      this.#work(this.#state);
    } finally {
      if (!this.#due) this.unsubscribe();
    }
  }
}
