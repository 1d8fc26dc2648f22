import type { Observable } from 'rxjs';
import { observable as interop, type Observer, type Operator, type Subscription } from 'rxjs';

/* eslint-disable @typescript-eslint/no-deprecated, rxjs-x/prefer-observer -- an Observable's shape has these members too */
/**
 * What has an Observable's members without being derived from its class, which RxJS 9 changes: it makes a real one only where
 * somebody subscribes.
 */
export abstract class ObservableShape<T> {
  /** As an Observable has them. */
  source: Observable<T> | undefined = undefined;
  operator: Operator<unknown, T> | undefined = undefined;

  get pipe(): Observable<T>['pipe'] {
    const observable = this.observable();
    return observable.pipe.bind(observable);
  }

  get forEach(): Observable<T>['forEach'] {
    const observable = this.observable();
    return observable.forEach.bind(observable);
  }

  get toPromise(): Observable<T>['toPromise'] {
    const observable = this.observable();
    return observable.toPromise.bind(observable);
  }

  subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    const observable = this.observable();
    return typeof observerOrNext === 'object' && observerOrNext !== null
      ? observable.subscribe(observerOrNext)
      : observable.subscribe(observerOrNext, error, complete);
  }

  lift<R>(operator?: Operator<T, R>): Observable<R> {
    return this.observable().lift(operator);
  }

  [interop](): Observable<T> {
    return this.observable();
  }

  /** The real one. */
  protected abstract observable(): Observable<T>;
}
