import { type SchedulerAction, Subscription } from 'rxjs';
import { Clock } from '../../ports/clock.js';

export interface HostTime {
  /** By how much the host's clock is wrong from the start, in ms; 0 by default. */
  readonly skewMs?: number;
  /** By how much it runs too fast: 0.001 gains a second in a thousand. 0 by default. */
  readonly drift?: number;
}

/** How the work of one process is entered: at once, later, or never. */
export type Enter = (work: () => void) => void;

/** The simulated world's time as one process sees it, which stands still for ever once the process is dead. */
export class HostClock extends Clock {
  readonly #world: Clock;
  readonly #rate: number;
  readonly #startMs: number;
  readonly #enter: Enter;
  readonly #due = new Set<Subscription>();
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
    return this.#startMs + (this.#world.now() - this.#startMs) * this.#rate + this.#skewMs;
  }

  override schedule<T>(work: (this: SchedulerAction<T>, state: T) => void, delayMs = 0, state?: T): Subscription {
    if (this.#isDead) return Subscription.EMPTY;
    const enter = this.#enter;
    const entering = function (this: SchedulerAction<T>, given?: T): void {
      enter(() => {
        work.call(this, given as T);
      });
    };
    const action = this.#world.schedule(entering, delayMs / this.#rate, state);
    this.#due.add(action);
    action.add(() => this.#due.delete(action));
    return action;
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
