import { catchError, defer, from, Observable, of, switchMap, tap, throwError } from 'rxjs';
import { type Failure, isSkeinError } from '../core/errors.js';
import { isThenable } from '../core/thenable.js';
import { passDemand } from '../operators/pass-demand.js';
import { pull, type Source } from '../operators/pull.js';
import { fromDemand } from '../operators/stream.js';
import type { Ambient } from './ambient.js';
import type { Verb } from './contract.js';
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
  verb: Verb,
  interceptors: readonly Interceptor[],
  ambient: Ambient,
): AnyHandler => {
  if (interceptors.length === 0) return handler;
  const pass = (input: unknown, work: Work, outcomeOf: (result: unknown) => Observable<unknown>): Observable<unknown> => {
    let hasStarted = false;
    const last: Next = (request) =>
      defer(() => {
        checkHandedOn(request);
        hasStarted = true;
        work.context = request.context;
        return ambient.run(work, () => outcomeOf(handler(request.input as never, work)));
      });
    return compose(
      interceptors,
      last,
    )({ contract, method, input, context: work.context }).pipe(
      catchError((error: unknown) => throwError(() => (!hasStarted && isRefusal(error) ? new Refused(error) : error))),
    );
  };
  switch (verb) {
    case 'call':
    case 'cast':
      return (input: unknown, work: Work) => pass(input, work, valueOf);
    case 'sink':
      return (input: unknown, work: Work) => {
        work.intercept();
        return pass(input, work, (result) => {
          work.working();
          return valueOf(result);
        });
      };
    case 'stream':
    case 'channel':
      // Items pass one by one, as they are asked for.
      return (input: unknown, work: Work) => {
        const opened = tap(() => {
          work.working();
        });
        work.intercept();
        return fromDemand(passDemand((asked$) => pass(input, work, (result) => itemsOf(result, asked$, work)).pipe(opened)));
      };
  }
};

const valueOf = (result: unknown): Observable<unknown> =>
  isValue(result)
    ? of(result)
    : new Observable((subscriber) =>
        firstValue(result, {
          value: (value) => {
            subscriber.next(value);
            subscriber.complete();
          },
          error: (error) => subscriber.error(error),
        }),
      );

const ignore = (): void => undefined;

const itemsOf = (result: unknown, asked$: Observable<number>, work: Work): Observable<unknown> => {
  const items = (source: unknown): Observable<unknown> => {
    const produce = pull(source as Source<unknown>, ignore);
    work.working();
    return produce(asked$);
  };
  return isThenable(result) ? from(result).pipe(switchMap(items)) : items(result);
};
