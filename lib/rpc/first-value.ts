import { isObservable, type Observable, take } from 'rxjs';
import { isThenable } from '../core/thenable.js';

/** What a handler with one reply may return; of a stream the first value counts. */
export type Reply<T> = T | PromiseLike<T> | Observable<T> | AsyncIterable<T>;

export interface Outcome {
  readonly value: (value: unknown) => void;
  readonly error: (error: unknown) => void;
}

/** Whether it is a value itself, and nothing that is yet to give one. */
export const isValue = (result: unknown): boolean =>
  typeof result !== 'object' ||
  result === null ||
  !(isThenable(result) || isObservable(result) || Symbol.asyncIterator in result);

/**
 * The one value of what a handler returned, once it is there; a stream that ends without one gives `undefined`. The function that
 * comes back stops what can be stopped.
 */
export const firstValue = (result: unknown, outcome: Outcome): (() => void) => {
  if (isThenable(result)) {
    Promise.resolve(result).then(outcome.value, outcome.error);
    return ignore;
  }
  return isObservable(result) ? firstEmitted(result, outcome) : firstIterated(result as AsyncIterable<unknown>, outcome);
};

const firstEmitted = (source$: Observable<unknown>, { value, error }: Outcome): (() => void) => {
  let first: unknown;
  const subscription = source$.pipe(take(1)).subscribe({
    next: (emitted) => (first = emitted),
    error,
    complete: () => {
      value(first);
    },
  });
  return () => {
    subscription.unsubscribe();
  };
};

const firstIterated = (source: AsyncIterable<unknown>, { value, error }: Outcome): (() => void) => {
  const iterator = source[Symbol.asyncIterator]();
  const finish = (): void => {
    // What a source does on the way out is its own affair: its answer is known, or not wanted, by then.
    void new Promise((resolve) => {
      resolve(iterator.return?.());
    }).catch(ignore);
  };
  iterator
    .next()
    .then((first) => {
      const isOver = first.done === true;
      value(isOver ? undefined : first.value);
      if (!isOver) finish();
    })
    .then(undefined, error);
  return finish;
};

const ignore = (): void => undefined;
