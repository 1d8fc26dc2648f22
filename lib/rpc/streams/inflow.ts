import { Observable, type Subscriber } from 'rxjs';
import type { Backlog } from '../../core/backlog.js';
import { SkeinError } from '../../core/errors.js';
import { Ring } from '../../core/ring.js';
import { type Credit, done } from '../../operators/stream.js';

/** What an inflow needs of its stream. */
export interface InflowEnds {
  /** Credit is to go back to the other side. */
  readonly owe: () => void;
  /** What whoever takes the items throws on its way out. */
  readonly stray: (error: unknown) => void;
  /** Whoever took the items wants no more of them. */
  readonly leave: () => void;
  /** Whether the present code runs for the work that it is part of, and what runs something for it. */
  readonly isWithin: () => boolean;
  readonly within: (tell: () => void) => void;
}

/** Whoever wants so much is done with each item as it is handed out. */
const endless = 2 ** 48;

interface Held {
  readonly payload: unknown;
  readonly cost: number;
}

/**
 * The items of a stream as they arrive: they wait here until they are wanted, and the credit that they took goes back once they are
 * consumed, in halves of what the other side was given. So no more of them wait than the credit lets come.
 */
export class Inflow {
  readonly #credit: number;
  #isGranted: boolean;
  readonly #ends: InflowEnds;
  readonly #held: Ring<Held>;
  /** How many items were handed out, are in use, and are done with where the oldest is first; and what those in use cost that cost more than one. */
  #handed = 0;
  #using = 0;
  #oldest = 0;
  readonly #heavy = new Map<number, number>();
  /** What the other side may still send, what was consumed and not given back, and what is to be given back now. */
  #granted = 0;
  #consumed = 0;
  #owed = 0;
  /** Items that were consumed, for as much as is to be given back for them. */
  #items = 0;
  #told = 0;
  #wanted = 0;
  #subscriber: Subscriber<unknown> | undefined;
  #isEmitting = false;
  /** Whether whoever takes the items says apart from asking when one is done with. */
  #saysDone = false;
  /** How it ended, to be told behind what waits. */
  #end: { readonly error: unknown } | undefined;

  /** With `isGranted`, the other side knows of its credit; else it is given that once items are wanted. */
  constructor(credit: number, isGranted: boolean, ends: InflowEnds) {
    this.#credit = credit;
    this.#isGranted = isGranted;
    if (isGranted) this.#granted = credit;
    this.#ends = ends;
    this.#held = new Ring(credit);
  }

  /** Items that wait to be wanted. */
  get backlogs(): readonly Backlog[] {
    const { size, max } = this.#held;
    return [{ name: 'items that have come', depth: size, max, overflow: 'block', dropped: 0 }];
  }

  /** Emits the items as they are wanted; for one subscriber. */
  readonly items = (credit$: Observable<number>): Observable<unknown> =>
    new Observable((subscriber) => {
      if (this.#subscriber) {
        subscriber.error(new SkeinError('closed', { what: 'a stream that is taken already' }));
        return undefined;
      }
      this.#subscriber = subscriber;
      if (!this.#isGranted && !this.#end) this.#give(this.#credit);
      this.#isGranted = true;
      const error = (failure: unknown): void => subscriber.error(failure);
      const done$ = (credit$ as Credit)[done];
      this.#saysDone = done$ !== undefined;
      const next = (more: number): void => {
        // Who asks for another one is done with one that was handed out before, unless it says so by itself.
        if (!done$) this.#consumeOldest(more);
        this.#want(more);
      };
      const asking = credit$.subscribe({ next, error });
      const consuming = done$?.subscribe({
        next: (index) => {
          this.#consume(index);
          this.#giveBack();
        },
        error,
      });
      this.#deliver();
      return () => {
        asking.unsubscribe();
        consuming?.unsubscribe();
        this.#held.drain();
        if (!this.#end) this.#ends.leave();
      };
    });

  /** What is to be given back now. */
  takeOwed(): { readonly count: number; readonly items: number } | undefined {
    if (this.#owed === 0) return undefined;
    const owed = { count: this.#owed, items: this.#told };
    this.#owed = 0;
    this.#told = 0;
    return owed;
  }

  get isOwing(): boolean {
    return this.#owed > 0;
  }

  /** Throws `protocol-error` for an item without credit. */
  item(payload: unknown, cost: number): void {
    if (this.#granted <= 0 || cost < 1) {
      throw new SkeinError('protocol-error', { reason: 'an item of a stream came without the credit for it' });
    }
    this.#granted -= cost;
    if (this.#end || this.#subscriber?.closed === true) return;
    if (this.#wanted > 0 && this.#held.size === 0 && this.#subscriber && !this.#isEmitting) {
      this.#isEmitting = true;
      this.#hand(this.#subscriber, payload, cost);
      this.#isEmitting = false;
      if (this.#held.size > 0 || this.#end) this.#deliver();
      this.#giveBack();
    } else this.#held.push({ payload, cost });
  }

  /** No more items come: completes behind those that wait, or errors. */
  end(error?: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    this.#deliver();
  }

  /** Whoever takes the items is to get no more of them: errors at once. */
  abort(error: unknown): void {
    this.#held.drain();
    this.#end = { error };
    this.#deliver();
  }

  #want(more: number): void {
    this.#wanted = Math.min(this.#wanted + more, Number.MAX_SAFE_INTEGER);
    this.#deliver();
    this.#giveBack();
  }

  #consumeOldest(count: number): void {
    for (let left = Math.min(count, this.#using); left > 0; left -= 1) this.#consume(this.#oldest++);
  }

  /** The item before which so many were handed out is done with, or another one where interceptors have changed their number. */
  #consume(index: number): void {
    if (this.#using === 0) return;
    this.#using -= 1;
    this.#items += 1;
    const heavy = this.#heavy.size > 0 ? this.#heavy.get(index) : undefined;
    if (heavy !== undefined) this.#heavy.delete(index);
    this.#consumed += heavy ?? 1;
    if (this.#using === 0 && this.#heavy.size > 0) this.#consumeAll();
  }

  /** Nothing is in use, so nothing may be missing of what was given. */
  #consumeAll(): void {
    for (const cost of this.#heavy.values()) this.#consumed += cost - 1;
    this.#heavy.clear();
  }

  /** What one item gives rise to may come back here, and is left to the loop that is under way. */
  #deliver(): void {
    const subscriber = this.#subscriber;
    if (this.#isEmitting || !subscriber) return;
    this.#isEmitting = true;
    while (this.#wanted > 0 && !subscriber.closed) {
      const next = this.#held.shift();
      if (!next) break;
      this.#hand(subscriber, next.payload, next.cost);
    }
    this.#isEmitting = false;
    const end = this.#end;
    if (!end || this.#held.size > 0) return;
    try {
      this.#ends.within(() => {
        if (end.error === undefined) subscriber.complete();
        else subscriber.error(end.error);
      });
    } catch (error) {
      this.#ends.stray(error);
    }
  }

  #hand(subscriber: Subscriber<unknown>, payload: unknown, cost: number): void {
    const isEndless = this.#wanted >= endless && !this.#saysDone;
    if (!isEndless) {
      this.#wanted -= 1;
      if (cost > 1) this.#heavy.set(this.#handed, cost);
      this.#handed += 1;
      this.#using += 1;
    }
    this.#pass(subscriber, payload);
    if (!isEndless) return;
    this.#consumed += cost;
    this.#items += 1;
    this.#giveBack();
  }

  /** What whoever takes it throws on its way out is nothing to the link. */
  #pass(subscriber: Subscriber<unknown>, payload: unknown): void {
    try {
      if (this.#ends.isWithin()) subscriber.next(payload);
      else {
        this.#ends.within(() => {
          subscriber.next(payload);
        });
      }
    } catch (error) {
      this.#ends.stray(error);
    }
  }

  /** In halves, for an item should not cost a record each; but who is wanted for more and has neither items nor credit gets what there is. */
  #giveBack(): void {
    if (this.#consumed === 0 || this.#end) return;
    const isStarved = this.#granted <= 0 && this.#wanted > 0 && this.#held.size === 0;
    if (this.#consumed < this.#credit / 2 && !isStarved) return;
    this.#give(this.#consumed);
    this.#told += this.#items;
    this.#items = 0;
    this.#consumed = 0;
  }

  #give(credit: number): void {
    this.#granted += credit;
    this.#owed += credit;
    this.#ends.owe();
  }
}
