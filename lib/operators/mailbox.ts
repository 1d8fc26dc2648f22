import type { Subscription } from 'rxjs';
import { Ring } from '../core/ring.js';
import { type Outlet, Readiness } from './outlet.js';

export interface MailboxOptions<T> {
  /** Values that may wait. */
  readonly max: number;
  /** What a value weighs; by default nothing. */
  readonly weigh?: (value: T) => number;
  /** Weight that may wait in all; by default any. One value is always let in. */
  readonly weightMax?: number;
  /** Weight after which a batch ends; by default any. */
  readonly batchWeightMax?: number;
  /** Values that no longer count; they leave without a trace. Whoever lets one of those that wait die says so by `died`. */
  readonly isDead?: (value: T) => boolean;
}

/** A bounded queue that refuses what is too much, and is emptied in batches. */
export class Mailbox<T> implements Outlet<T> {
  readonly #options: MailboxOptions<T>;
  readonly #ring: Ring<T>;
  readonly #readiness = new Readiness();
  #weight = 0;
  #deadCount = 0;
  /** Whether someone found nothing here, and waits to be told. */
  #isAwaited = true;

  constructor(options: MailboxOptions<T>) {
    this.#options = options;
    this.#ring = new Ring<T>(options.max);
  }

  watch(tell: () => void): Subscription {
    return this.#readiness.watch(tell);
  }

  get hasReady(): boolean {
    return this.#ring.size > 0;
  }

  /** Values that wait, dead ones included. */
  get size(): number {
    return this.#ring.size;
  }

  get max(): number {
    return this.#ring.max;
  }

  /** What they weigh. */
  get weight(): number {
    return this.#weight;
  }

  /** Takes the value in; false if there is no room, even without the dead. */
  offer(value: T): boolean {
    const weight = this.#options.weigh?.(value) ?? 0;
    if (!this.#hasRoom(weight)) {
      this.#bury();
      if (!this.#hasRoom(weight)) return false;
    }
    this.#ring.push(value);
    this.#weight += weight;
    if (this.#isAwaited) {
      this.#isAwaited = false;
      this.#readiness.tell();
    }
    return true;
  }

  fill(batch: T[], max: number): void {
    const { batchWeightMax = Infinity, weigh, isDead } = this.#options;
    let weight = 0;
    while (batch.length < max && weight < batchWeightMax) {
      const value = this.#ring.shift();
      if (value === undefined) break;
      const own = weigh?.(value) ?? 0;
      this.#weight -= own;
      if (isDead?.(value) === true) {
        this.#deadCount -= 1;
        continue;
      }
      batch.push(value);
      weight += own;
    }
    if (this.#ring.size === 0) this.#isAwaited = true;
  }

  /** One of those that wait no longer counts: those that would leave next go at once. */
  died(): void {
    const { isDead, weigh } = this.#options;
    this.#deadCount += 1;
    for (let next = this.#ring.peek(); next !== undefined && isDead?.(next) === true; next = this.#ring.peek()) {
      this.#ring.shift();
      this.#deadCount -= 1;
      this.#weight -= weigh?.(next) ?? 0;
    }
    if (this.#ring.size === 0) this.#isAwaited = true;
  }

  /** Takes all out, oldest first. */
  drain(): T[] {
    this.#weight = 0;
    this.#deadCount = 0;
    this.#isAwaited = true;
    return this.#ring.drain();
  }

  #hasRoom(weight: number): boolean {
    const { weightMax = Infinity } = this.#options;
    return this.#ring.size < this.#ring.max && (this.#weight + weight <= weightMax || this.#ring.size === 0);
  }

  #bury(): void {
    const { isDead, weigh } = this.#options;
    // A search in vain would cost each of those that are refused as much as all that wait.
    if (!isDead || this.#deadCount === 0) return;
    this.#deadCount = 0;
    this.#ring.retain((value) => {
      const dead = isDead(value);
      if (dead) this.#weight -= weigh?.(value) ?? 0;
      return !dead;
    });
  }
}
