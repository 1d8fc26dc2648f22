import type { Subscription } from 'rxjs';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import type { Clock } from '../ports/clock.js';
import type { Incoming } from '../ports/transport.js';

interface Held {
  readonly request: Pick<Incoming, 'leave'>;
  readonly until: number;
}

/**
 * The credit of requests that were refused: it goes back when it is released, the oldest first, or after `limits.creditHoldMs`, in
 * portions. Where all went back at once, as many requests would come at once, and what others ask for would wait behind them.
 */
export class HeldCredit {
  readonly #clock: Clock;
  readonly #held = new Ring<Held>(limits.creditHeldMax);
  #timer: Subscription | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Keeps the request's credit from now (epoch ms) on; where too much is kept, it goes back at once. */
  hold(request: Pick<Incoming, 'leave'>, now: number): void {
    if (!this.#held.push({ request, until: now + limits.creditHoldMs })) request.leave();
    else if (!this.#timer) this.#watch(limits.creditHoldMs);
  }

  /** Gives back that of up to so many requests. */
  release(count: number): void {
    for (let left = count; left > 0 && this.#held.size > 0; left -= 1) this.#held.shift()?.request.leave();
    if (this.#held.size === 0) this.#forget();
  }

  close(): void {
    this.release(Infinity);
  }

  #watch(ms: number): void {
    this.#timer = this.#clock.schedule(() => {
      this.#timer = undefined;
      const now = this.#clock.now();
      let oldest = this.#held.peek();
      for (let left = limits.creditPortion; left > 0 && oldest && oldest.until <= now; left -= 1) {
        this.#held.shift();
        oldest.request.leave();
        oldest = this.#held.peek();
      }
      if (oldest) this.#watch(Math.max(limits.creditPortionMs, oldest.until - now));
    }, ms);
  }

  #forget(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
  }
}
