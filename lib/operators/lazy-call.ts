import { Observable, type TeardownLogic } from 'rxjs';
import { ObservableShape } from './observable-shape.js';

/**
 * One request, as a cold Observable of one value and a lazy promise of it: each subscription sends once, and awaiting sends once
 * however often the same object is awaited. After an error of unknown outcome, subscribing again sends again only where the method
 * is idempotent, and else gives that error unsent.
 */
export interface Call<out T, out E = never> extends Observable<T>, PromiseLike<T>, AsyncIterable<T> {
  /** The errors that its contract declares; there for types alone. */
  readonly [failure]?: E;
}

declare const failure: unique symbol;

/** Who gets the value or the error, such as a subscriber. */
export interface CallSink<T> {
  next(value: T): void;
  error(error: unknown): void;
  complete(): void;
}

/** A call by structure, and without an Observable where it is awaited. */
export abstract class LazyCall<T> extends ObservableShape<T> implements Call<T> {
  #promise: Promise<T> | undefined;

  override get toPromise(): Observable<T>['toPromise'] {
    return () => this.#settled();
  }

  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#settled().then(fulfilled, rejected);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    yield await this.#settled();
  }

  /** Sends one request; what comes back withdraws it. */
  protected abstract send(sink: CallSink<T>): TeardownLogic;

  protected override observable(): Observable<T> {
    return new Observable((subscriber) => this.send(subscriber));
  }

  #settled(): Promise<T> {
    this.#promise ??= new Promise((next, error) => {
      this.send({ next, error, complete: ignore });
    });
    return this.#promise;
  }
}

const ignore = (): void => undefined;
