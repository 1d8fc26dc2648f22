import { Observable, Subject } from 'rxjs';
import { isThenable } from '../core/thenable.js';
import { demand, type Stream } from '../operators/stream.js';
import type { Behavior, Self, Stateful, Step } from './behavior.js';

/** Where a behaviour has what the kernel needs to go on behind a message that failed. */
const reducer = Symbol('skein.reducer');

/** Runs a reducer; `skips` says whether to go on behind the message that failed with that error. */
type Reduce<M, S> = (message$: Stream<M>, self: Self<M>, skips: (error: unknown) => boolean) => Observable<S>;

/**
 * A behaviour as a reducer. Messages are taken one at a time. Its events are its states: the one it starts with, at every start, and
 * the one after each message.
 */
export const stateful = <M, S>(initial: () => S, step: Step<M, S>): Stateful<M, S> => {
  const reduce: Reduce<M, S> = (message$, self, skips) =>
    new Observable((subscriber) => {
      const ask$ = new Subject<number>();
      let state = initial();
      const settle = (next: S): void => {
        state = next;
        subscriber.next(state);
        ask$.next(1);
      };
      const fail = (error: unknown): void => {
        // A run that is over has failed, or was stopped, already.
        if (subscriber.closed) return;
        if (skips(error)) ask$.next(1);
        else subscriber.error(error);
      };
      const take = (message: M): void => {
        let next: S | PromiseLike<S>;
        try {
          next = step(state, message, self);
        } catch (error) {
          fail(error);
          return;
        }
        if (isThenable(next)) Promise.resolve(next).then(settle, fail);
        else settle(next);
      };
      const taking = message$[demand](ask$).subscribe({
        next: take,
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      settle(state);
      return taking;
    });
  const behavior: Behavior<M, S> = (message$, self) => reduce(message$, self, never);
  return Object.assign(behavior, { [reducer]: reduce }) as unknown as Stateful<M, S>;
};

const never = (): boolean => false;

/** How to run a behaviour so that it can go on behind a message that failed, if it can. */
export const reducerOf = <M, Event>(behavior: Behavior<M, Event>): Reduce<M, Event> | undefined =>
  (behavior as { readonly [reducer]?: Reduce<M, Event> })[reducer];
