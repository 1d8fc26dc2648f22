import type { Subscription } from 'rxjs';
import type { Clock } from '../../ports/clock.js';
import { Place } from './place.js';

interface TimerPlan {
  readonly kind: 'setTimeout' | 'setInterval' | 'setImmediate';
  readonly ms: number;
  readonly callback: () => void;
}

/** One timer of users' code, as Node's `Timeout` is to be handled, in a clock's time. */
export class VirtualTimer implements Disposable {
  readonly #clock: Clock;
  readonly #plan: TimerPlan;
  readonly #place = new Place();
  readonly #active: Set<VirtualTimer>;
  readonly id: number;
  #due: Subscription | undefined;
  #isRef = true;
  #isCleared = false;

  /** Stands in `active` while it is to come. */
  constructor(clock: Clock, plan: TimerPlan, active: Set<VirtualTimer>, id: number) {
    this.#clock = clock;
    this.#plan = plan;
    this.#active = active;
    this.id = id;
    this.#start();
  }

  /** In words, with where it was set. */
  describe(): string {
    const { kind, ms } = this.#plan;
    const place = String(this.#place);
    return `${kind}${kind === 'setImmediate' ? '' : ` of ${String(ms)} ms`}${place === '' ? '' : `, at ${place}`}`;
  }

  ref(): this {
    this.#isRef = true;
    return this;
  }

  unref(): this {
    this.#isRef = false;
    return this;
  }

  hasRef(): boolean {
    return this.#isRef;
  }

  /** Also where it has come already; one that was cleared stays so. */
  refresh(): this {
    if (!this.#isCleared) this.#start();
    return this;
  }

  close(): this {
    this.#isCleared = true;
    this.#due?.unsubscribe();
    return this;
  }

  [Symbol.toPrimitive](): number {
    return this.id;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #start(): void {
    const former = this.#due;
    this.#due = undefined;
    former?.unsubscribe();
    this.#active.add(this);
    const due = this.#clock.schedule(() => {
      if (this.#plan.kind === 'setInterval') this.#start();
      this.#plan.callback();
    }, this.#plan.ms);
    this.#due = due;
    // It has come, or was taken back, be it because its process has died.
    due.add(() => {
      if (this.#due === due) this.#active.delete(this);
    });
  }
}
