import { Observable, type Observer } from 'rxjs';
import type { Failure, SkeinError } from '../core/errors.js';
import type { Settled } from './settled.js';

/** The state in which a cast is confirmed, and by whom. */
export interface Confirmed {
  readonly state: 'accepted' | 'done';
  readonly server: string;
}

export type CastState = { readonly state: 'queued' } | Confirmed;

/** A cast already sent: awaiting it waits for its confirmation and rejects with a SkeinError; ignoring it is safe. */
export interface Receipt extends PromiseLike<Confirmed> {
  /** Replays from `queued`; completes at the confirmed state or errors with a SkeinError. Unsubscribing only stops watching. */
  readonly state$: Observable<CastState>;
}

/** What became of a fanout's cast to one server. */
export type Outcome = { readonly server: string } & Settled<Confirmed, Failure>;

/** A fanout already sent: awaiting it waits for all recipients; rejects only where nothing could be sent. */
export interface Receipts extends PromiseLike<readonly Outcome[]> {
  /** One outcome a recipient as it settles, replayed; completes with the last. */
  readonly outcome$: Observable<Outcome>;
}

/** A cast that failed while no one watched its receipt. */
export interface Undeliverable {
  readonly topic: string;
  readonly method: string;
  /** Empty where it got to none. */
  readonly server: string;
  readonly error: SkeinError;
}

/** Whoever is told what becomes of a cast: once it is confirmed it is complete, or it fails. */
export interface CastWatch {
  /** Whether its sender looks at it, and so sees a failure. */
  readonly isWatched: boolean;
  show(state: Confirmed): void;
  complete(): void;
  fail(error: unknown): void;
}

const queued: CastState = { state: 'queued' };

/** What a cast's sender sees of it: told by the cast itself, shown to whoever watches, however late. */
export class CastReceipt implements Receipt, CastWatch {
  #state: CastState = queued;
  #isOver = false;
  #error: unknown;
  #watchers: Set<Observer<CastState>> | undefined;
  #promise: Promise<Confirmed> | undefined;
  /** Whether anyone has ever looked. */
  isWatched = false;

  get state$(): Observable<CastState> {
    return new Observable((subscriber) => {
      this.isWatched = true;
      return this.#show(subscriber);
    });
  }

  /** The same for whoever does not look at it on the sender's behalf. */
  get quietState$(): Observable<CastState> {
    return new Observable((subscriber) => this.#show(subscriber));
  }

  then<A = Confirmed, B = never>(
    fulfilled?: ((confirmed: Confirmed) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#promise ??= new Promise((resolve, error) => {
      this.isWatched = true;
      // A receipt that completes has shown the confirmed state last.
      const complete = (): void => {
        resolve(this.#state as Confirmed);
      };
      this.#show({ next: ignore, error, complete });
    });
    return this.#promise.then(fulfilled, rejected);
  }

  show(state: Confirmed): void {
    this.#state = state;
    // Who comes as it is shown has seen it.
    if (this.#watchers) for (const watcher of [...this.#watchers]) watcher.next(state);
  }

  complete(): void {
    for (const watcher of this.#end()) watcher.complete();
  }

  fail(error: unknown): void {
    this.#error = error;
    for (const watcher of this.#end()) watcher.error(error);
  }

  #end(): Iterable<Observer<CastState>> {
    const watchers = this.#watchers ?? [];
    this.#watchers = undefined;
    this.#isOver = true;
    return watchers;
  }

  #show(observer: Observer<CastState>): (() => void) | undefined {
    observer.next(queued);
    if (this.#state !== queued) observer.next(this.#state);
    if (this.#error !== undefined) observer.error(this.#error);
    else if (this.#isOver) observer.complete();
    else {
      this.#watchers ??= new Set();
      this.#watchers.add(observer);
      return () => {
        this.#watchers?.delete(observer);
      };
    }
    return undefined;
  }
}

const ignore = (): void => undefined;
