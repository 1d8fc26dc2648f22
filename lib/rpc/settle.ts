import { catchError, isObservable, map, of } from 'rxjs';
import { type Failure, invalidArgument } from '../core/errors.js';
import type { Settled } from './settled.js';
import type { Call } from './unary-call.js';

/**
 * Turns every outcome of a call into a value, so that declared errors (by their class) and codes can be told apart exhaustively;
 * never errors. As lazy as the call, whose requests it shares: each subscription sends one, and awaiting it, the call or both
 * sends one in all.
 */
export const settle = <T, E = never>(call: Call<T, E>): Call<Settled<T, E | Failure>> => {
  if (!isObservable(call) || typeof (call as Partial<Call<T, E>>).then !== 'function') {
    throw invalidArgument('settle takes a call of a client, as it comes: settle(client.method(input))');
  }
  type Outcome = Settled<T, E | Failure>;
  const ok = (value: T): Outcome => ({ ok: true, value });
  const failed = (error: unknown): Outcome => ({ ok: false, error: error as E | Failure });
  const outcome$ = call.pipe(
    map(ok),
    catchError((error: unknown) => of(failed(error))),
  );
  let settled: Promise<Outcome> | undefined;
  const once = (): Promise<Outcome> => (settled ??= Promise.resolve(call.then(ok, failed)));
  return Object.assign(outcome$, {
    then: <A, B>(
      fulfilled?: ((outcome: Outcome) => A | PromiseLike<A>) | null,
      rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
    ) => once().then(fulfilled, rejected),
    toPromise: once,
    async *[Symbol.asyncIterator]() {
      yield await once();
    },
  });
};
