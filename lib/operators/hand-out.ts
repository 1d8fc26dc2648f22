import type { Subscriber } from 'rxjs';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';

/** Values that may come sooner than they are wanted: they are handed out in their order, and up to 65,536 of them wait. */
export class HandOut<T> {
  readonly #subscriber: Subscriber<T>;
  readonly #what: string;
  readonly #held = new Ring<{ readonly value: T }>(limits.waitingMax);
  #wanted = 0;
  #isRunning = false;

  /** `what` is what its values are called. */
  constructor(subscriber: Subscriber<T>, what: string) {
    this.#subscriber = subscriber;
    this.#what = what;
  }

  /** How many more are wanted than wait here. */
  get missing(): number {
    return this.#wanted - this.#held.size;
  }

  get isEmpty(): boolean {
    return this.#held.size === 0;
  }

  want(more: number): void {
    this.#wanted = Math.min(this.#wanted + more, Number.MAX_SAFE_INTEGER);
  }

  /** One too many errors with `overloaded`. */
  push(value: T): void {
    if (this.#held.push({ value })) return;
    const message = `more than ${String(limits.waitingMax)} ${this.#what} wait`;
    this.#subscriber.error(new SkeinError('overloaded', { retryAfterMs: undefined }, { message }));
  }

  /** Hands out what is wanted. What that gives rise to comes back here, and is left to the loop that is under way: false then. */
  run(): boolean {
    if (this.#isRunning) return false;
    this.#isRunning = true;
    while (this.#wanted > 0 && !this.#subscriber.closed) {
      const next = this.#held.shift();
      if (!next) break;
      this.#wanted -= 1;
      this.#subscriber.next(next.value);
    }
    this.#isRunning = false;
    return true;
  }
}

/** How a source has ended. */
export interface End {
  readonly error?: unknown;
}

export const endAs = (subscriber: Subscriber<unknown>, end: End): void => {
  if ('error' in end) subscriber.error(end.error);
  else subscriber.complete();
};
