import { type SchedulerAction, Subscription } from 'rxjs';
import { invalidArgument, SkeinError } from '../../core/errors.js';
import { Clock } from '../../ports/clock.js';
import { type Event, Timeline } from './timeline.js';

export interface VirtualClockOptions {
  /** Where time starts, in epoch ms; 2020-01-01T00:00:00Z by default. */
  readonly epochMs?: number;
  /** More events than this at one instant are taken for a loop without end; 200,000 by default. */
  readonly eventsPerInstantMax?: number;
}

/**
 * Time that stands still until a test moves it on. Events run in order of their time, those of one instant in the order in
 * which they were scheduled. After each, promises settle before the next one runs, so that `await` and async iterators take
 * no virtual time and every run is the same. What waits for the outside (files, sockets, real timers) is not waited for.
 */
export class VirtualClock extends Clock {
  readonly #timeline = new Timeline<Happening>();
  readonly #agenda: Agenda = {
    enter: (happening, delayMs) => {
      this.#timeline.remove(happening);
      happening.atMs = this.#nowMs + Math.max(0, delayMs);
      happening.sequence = this.#sequence += 1;
      this.#timeline.add(happening);
    },
    strike: (happening) => {
      this.#timeline.remove(happening);
    },
  };
  readonly #eventsPerInstantMax: number;
  #nowMs: number;
  #sequence = 0;
  #eventsNow = 0;
  #isRunning = false;
  /** How many events have happened. */
  happened = 0;

  constructor({ epochMs = Date.UTC(2020), eventsPerInstantMax = 200_000 }: VirtualClockOptions = {}) {
    super();
    this.#nowMs = epochMs;
    this.#eventsPerInstantMax = eventsPerInstantMax;
  }

  /** How many events are scheduled. */
  get pending(): number {
    return this.#timeline.size;
  }

  override now(): number {
    return this.#nowMs;
  }

  override schedule<T>(work: (this: SchedulerAction<T>, state: T) => void, delay = 0, state?: T): Subscription {
    return new VirtualAction(work as (this: SchedulerAction<T>, state?: T) => void, this.#agenda).schedule(state, delay);
  }

  /** Runs all that happens within the next `ms`, and leaves the clock there. Rejects with what an event throws. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.#run(() => false, untilMs);
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /**
   * Runs events until the condition holds, or the promise settles, whose outcome it takes. Rejects with `deadline-exceeded`
   * when that has not come true within `withinMs` of virtual time (an hour by default), or when nothing is left to happen.
   */
  async runUntil<T>(goal: (() => boolean) | PromiseLike<T>, withinMs = 3_600_000): Promise<T | undefined> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    const promise = typeof goal === 'function' ? undefined : Promise.resolve(goal);
    promise?.then(settle, settle);
    const isReached = typeof goal === 'function' ? goal : () => isSettled;
    if (await this.#run(isReached, this.#nowMs + withinMs)) return promise;
    const message = this.pending === 0 ? 'nothing is left to happen, and what is waited for has not come true' : undefined;
    throw new SkeinError('deadline-exceeded', { timeoutMs: withinMs }, message === undefined ? {} : { message });
  }

  async #run(isReached: () => boolean, untilMs: number): Promise<boolean> {
    if (this.#isRunning) throw invalidArgument('the virtual clock is running already: await one advance before the next');
    this.#isRunning = true;
    try {
      return await againAndAgain(() => {
        if (isReached()) return true;
        const next = this.#timeline.peek();
        if (next === undefined || next.atMs > untilMs) return false;
        this.#step(next);
        return undefined;
      });
    } finally {
      this.#isRunning = false;
    }
  }

  #step(next: Happening): void {
    this.#eventsNow = next.atMs > this.#nowMs ? 1 : this.#eventsNow + 1;
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    if (this.#eventsNow > this.#eventsPerInstantMax) {
      const at = new Date(this.#nowMs).toISOString();
      throw new LoopError(
        `more than ${String(this.#eventsPerInstantMax)} events at ${at}: something schedules itself without end`,
      );
    }
    this.#timeline.remove(next);
    this.happened += 1;
    next.run();
  }
}

/** Something goes on for ever at one instant. */
export class LoopError extends RangeError {}

/** The real one, whoever puts another in its place later. */
const inNextTurn = setImmediate;

/** Steps in one turn of the real event loop. More would let real timers wait for longer, and gain nothing. */
const stepsPerTurn = 64;

/** Takes step after step until one says what came of it. Before each, all promises that can settle have: so it is between immediates. */
const againAndAgain = async <T>(step: () => T | undefined): Promise<T> => {
  let outcome: T | undefined;
  let failure: { readonly error: unknown } | undefined;
  const isOver = (): boolean => outcome !== undefined || failure !== undefined;
  const take = (): void => {
    if (isOver()) return;
    try {
      outcome = step();
    } catch (error) {
      failure = { error };
    }
  };
  while (!isOver()) {
    for (let left = stepsPerTurn; left > 1; left -= 1) inNextTurn(take);
    await new Promise<void>((resolve) => {
      inNextTurn(() => {
        take();
        resolve();
      });
    });
  }
  if (failure) throw failure.error;
  return outcome as T;
};

interface Happening extends Event {
  atMs: number;
  sequence: number;
  run(): void;
}

/** The part of a clock that its actions see. */
interface Agenda {
  enter(happening: Happening, delayMs: number): void;
  strike(happening: Happening): void;
}

/** Runs its work once for each time that it is scheduled, and closes where the work did not schedule it again. */
class VirtualAction<T> extends Subscription implements SchedulerAction<T>, Happening {
  atMs = 0;
  sequence = 0;
  place = -1;
  readonly #work: (this: SchedulerAction<T>, state?: T) => void;
  readonly #agenda: Agenda;
  #state: T | undefined;

  constructor(work: (this: SchedulerAction<T>, state?: T) => void, agenda: Agenda) {
    super();
    this.#work = work;
    this.#agenda = agenda;
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    this.#state = state;
    this.#agenda.enter(this, delay);
    return this;
  }

  run(): void {
    try {
      this.#work(this.#state);
    } finally {
      if (this.place === -1) this.unsubscribe();
    }
  }

  override unsubscribe(): void {
    if (this.closed) return;
    this.#agenda.strike(this);
    super.unsubscribe();
  }
}
