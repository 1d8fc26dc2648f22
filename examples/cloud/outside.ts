import { AsyncResource } from 'node:async_hooks';
import { Observable, type Subscription } from 'rxjs';

/** As it is when the program starts: no request is being handled. */
const atStart = AsyncResource.bind((subscribe: () => Subscription) => subscribe());

/**
 * Subscribes outside of the request that happens to be handled. What a handler calls is part of its request, and ends with it; what
 * it only sets going is not.
 */
export const outside = <T>(source$: Observable<T>): Observable<T> =>
  new Observable((subscriber) => atStart(() => source$.subscribe(subscriber)));
