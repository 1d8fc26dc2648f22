import { defer, EMPTY, filter, map, merge, Observable, of, Subject, type Subscriber, Subscription } from 'rxjs';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import { type Credit, done, type Produce } from './stream.js';

/**
 * Lets items pass through operators that know nothing of demand, one for one: whoever they subscribe to is asked for what is wanted
 * and has not come, also where they subscribe anew. Where they give more than that, it waits here, up to 65,536 items; one more errors with
 * `overloaded`.
 */
export const passDemand =
  <T>(pass: Produce<T>): Produce<T> =>
  (credit$) =>
    new Observable((subscriber) => new Passing(subscriber).begin(pass, credit$));

/** One subscription. */
class Passing<T> {
  readonly #subscriber: Subscriber<T>;
  readonly #more$ = new Subject<number>();
  /** What came and is not wanted yet. */
  readonly #held = new Ring<{ readonly value: T }>(limits.waitingMax);
  #wanted = 0;
  #came = 0;
  #isOver = false;
  #isEmitting = false;

  constructor(subscriber: Subscriber<T>) {
    this.#subscriber = subscriber;
  }

  begin(pass: Produce<T>, credit$: Credit): Subscription {
    const error = (failure: unknown): void => this.#subscriber.error(failure);
    // The credit may be over at once.
    const all = new Subscription();
    all.add(credit$.subscribe({ next: (more) => this.#grant(more), error }));
    const taking = pass(this.#asked(credit$[done])).subscribe({
      next: (value) => {
        this.#take(value);
      },
      error,
      complete: () => {
        this.#isOver = true;
        this.#emit();
      },
    });
    all.add(taking);
    return all;
  }

  /** The credit of each who is subscribed to in turn, and what is done with of its items. */
  #asked(done$: Observable<number> | undefined): Credit {
    // What came before belongs to others.
    const doneFromHere$ = defer(() => {
      const before = this.#came;
      return (done$ ?? EMPTY).pipe(
        filter((index) => index >= before),
        map((index) => index - before),
      );
    });
    // Whoever is given some may ask for more at once.
    const asked$ = defer(() => (this.#wanted > 0 ? merge(this.#more$, of(this.#wanted)) : this.#more$));
    return Object.assign(asked$, { [done]: done$ && doneFromHere$ });
  }

  #grant(more: number): void {
    this.#wanted += more;
    const waiting = this.#held.size;
    this.#emit();
    if (more > waiting) this.#more$.next(more - waiting);
  }

  #take(value: T): void {
    this.#came += 1;
    if (this.#held.push({ value })) this.#emit();
    else this.#subscriber.error(new SkeinError('overloaded', { retryAfterMs: undefined }, { message: tooMany }));
  }

  /** What that gives rise to comes back here, and is left to the loop that is under way. */
  #emit(): void {
    if (this.#isEmitting) return;
    this.#isEmitting = true;
    while (this.#wanted > 0 && !this.#subscriber.closed) {
      const next = this.#held.shift();
      if (!next) break;
      this.#wanted -= 1;
      this.#subscriber.next(next.value);
    }
    this.#isEmitting = false;
    if (this.#isOver && this.#held.size === 0) this.#subscriber.complete();
  }
}

const tooMany = `more than ${String(limits.waitingMax)} items came that nobody had asked for`;
