import { catchError, Observable, throwError } from 'rxjs';
import { type Failure, isSkeinError } from '../core/errors.js';
import type { Ambient } from './ambient.js';
import { firstValue, isValue } from './first-value.js';
import { checkHandedOn, compose, type Intercepted, type Interceptor, type Next } from './interceptor.js';
import type { AnyHandler } from './method-desk.js';
import { Refused } from './outcomes.js';
import type { Work } from './work.js';

const isRefusal = (thrown: unknown): thrown is Failure => {
  try {
    return isSkeinError(thrown, 'forbidden', 'unauthenticated', 'overloaded');
  } catch {
    return false;
  }
};

/** The handler with interceptors around it, or the handler itself where there are none. Whenever it runs, it is at work on its request. */
export const interceptHandler = (
  handler: AnyHandler,
  { contract, method }: Pick<Intercepted, 'contract' | 'method'>,
  interceptors: readonly Interceptor[],
  ambient: Ambient,
): AnyHandler => {
  if (interceptors.length === 0) return handler;
  return (input: unknown, work: Work) => {
    let hasStarted = false;
    const last: Next = (request) =>
      new Observable((subscriber) => {
        checkHandedOn(request);
        hasStarted = true;
        work.context = request.context;
        const value = (result: unknown): void => {
          subscriber.next(result);
          subscriber.complete();
        };
        const result = ambient.run(work, handler, request.input as never, work);
        if (!isValue(result)) {
          return ambient.run(work, firstValue, result, { value, error: (error) => subscriber.error(error) });
        }
        value(result);
        return undefined;
      });
    return compose(
      interceptors,
      last,
    )({ contract, method, input, context: work.context }).pipe(
      catchError((error: unknown) => throwError(() => (!hasStarted && isRefusal(error) ? new Refused(error) : error))),
    );
  };
};
