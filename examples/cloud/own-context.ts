import { AsyncResource } from 'node:async_hooks';
import { type MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Emits in the async context of who subscribed. A stream behind a Subject would otherwise go on as a part of the request that fed the
 * Subject, and what it calls then would end with that one's deadline.
 */
export const ownContext =
  <T>(): MonoTypeOperatorFunction<T> =>
  (source$) =>
    new Observable((subscriber) =>
      source$.subscribe({
        next: AsyncResource.bind((value: T) => subscriber.next(value)),
        error: AsyncResource.bind((error: unknown) => subscriber.error(error)),
        complete: AsyncResource.bind(() => subscriber.complete()),
      }),
    );
