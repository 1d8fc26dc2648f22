import type { SchedulerLike, Subscription } from 'rxjs';
import type { Timed } from '../core/timed.js';

class Slot implements Timed {
  readonly deadline = Infinity;
  earlier: Timed = this;
  later: Timed = this;
  readonly tick = 0;
  expire(): void {
    throw new Error('a slot has no deadline');
  }
}

/**
 * Many deadlines on one timer (G. Varghese and T. Lauck, Hashed and Hierarchical Timing Wheels, 1987). Putting one on and taking
 * it off cost the same whatever the number. A deadline is never early, and late by at most one tick plus the timer's own
 * lateness. Between deadlines the wheel sleeps: it wakes for the first slot that is not empty.
 */
export class DeadlineWheel {
  readonly #clock: SchedulerLike;
  readonly #tickMs: number;
  /** Made as each is used first: most wheels hold few deadlines. */
  readonly #slots: (Slot | undefined)[];
  readonly #mask: number;
  #size = 0;
  /** The last tick that has been handled. */
  #now: number;
  #wakeTick = Infinity;
  #timer: Subscription | undefined;
  #isClosed = false;

  /** `slots` is a power of two; one turn of the wheel is `slots * tickMs` long. */
  constructor(clock: SchedulerLike, tickMs: number, slots = 1_024) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#slots = new Array<Slot | undefined>(slots).fill(undefined);
    this.#mask = slots - 1;
    this.#now = Math.floor(clock.now() / tickMs);
  }

  /** Deadlines on the wheel. */
  get size(): number {
    return this.#size;
  }

  /** All that is on the wheel, in no order. */
  *[Symbol.iterator](): Iterator<Timed> {
    for (const slot of this.#slots) {
      if (slot) for (let timed = slot.later; timed !== slot; timed = timed.later as Timed) yield timed;
    }
  }

  /** Puts it on, by its deadline. */
  add(timed: Timed): void {
    // The tick behind the deadline; one that has passed already is due at the next.
    const tick = Math.max(Math.ceil(timed.deadline / this.#tickMs), this.#now + 1);
    const slot = (this.#slots[tick & this.#mask] ??= new Slot());
    timed.tick = tick;
    timed.later = slot;
    timed.earlier = slot.earlier;
    slot.earlier.later = timed;
    slot.earlier = timed;
    this.#size += 1;
    if (tick < this.#wakeTick) this.#sleepUntil(tick);
  }

  /** Takes it off; without effect if it is on no wheel. */
  remove(timed: Timed): void {
    if (timed.tick === 0) return;
    (timed.earlier as Timed).later = timed.later;
    (timed.later as Timed).earlier = timed.earlier;
    timed.earlier = undefined;
    timed.later = undefined;
    timed.tick = 0;
    this.#size -= 1;
  }

  /** Stops the timer, for good; what is on the wheel never expires. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }

  #sleepUntil(tick: number): void {
    if (this.#isClosed) return;
    this.#timer?.unsubscribe();
    this.#wakeTick = tick;
    const delay = Math.max(0, Math.ceil(tick * this.#tickMs - this.#clock.now()));
    this.#timer = this.#clock.schedule(() => {
      this.#turn();
    }, delay);
  }

  #turn(): void {
    this.#wakeTick = Infinity;
    const last = Math.max(this.#now, Math.floor(this.#clock.now() / this.#tickMs));
    // After a long sleep one round visits every slot, and whatever is due in it.
    const first = Math.max(this.#now + 1, last - this.#mask);
    this.#now = last;
    for (let tick = first; tick <= last; tick += 1) this.#expireSlot(tick, last);
    if (this.#size > 0) this.#sleepUntil(Math.min(this.#firstTick(), this.#wakeTick));
  }

  #expireSlot(tick: number, last: number): void {
    const slot = this.#slots[tick & this.#mask];
    if (!slot) return;
    const due: Timed[] = [];
    for (let timed = slot.later; timed !== slot; timed = timed.later as Timed) if (timed.tick <= last) due.push(timed);
    for (const timed of due) {
      if (timed.tick === 0 || this.#isClosed) continue;
      this.remove(timed);
      // It may have been put off meanwhile.
      if (timed.deadline > last * this.#tickMs) this.add(timed);
      else timed.expire();
    }
  }

  /** The next tick whose slot holds something, be it for a later round; an empty wheel is not asked. */
  #firstTick(): number {
    let tick = this.#now + 1;
    while (tick <= this.#now + this.#mask) {
      const slot = this.#slots[tick & this.#mask];
      if (slot && slot.later !== slot) return tick;
      tick += 1;
    }
    return tick;
  }
}
