import { AsyncResource } from 'node:async_hooks';
import { type MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Emits in the async context of who subscribed. A stream that waits for what another request brings would otherwise go on as a part
 * of that one, and what it calls then would end with that one's deadline. So: behind a Subject, and before a `retry`.
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
