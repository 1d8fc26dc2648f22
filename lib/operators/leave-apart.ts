import { type MonoTypeOperatorFunction, Observable, takeWhile } from 'rxjs';
import { throwApart } from './throw-apart.js';

/** What the source throws as it is let go of is told apart, and changes nothing of what comes of it. */
export const leaveApart =
  <T>(): MonoTypeOperatorFunction<T> =>
  (source$) =>
    new Observable((subscriber) => {
      // eslint-disable-next-line rxjs-x/no-ignored-takewhile-value -- a source that emits as it is subscribed has no subscription yet
      const subscription = source$.pipe(takeWhile(() => !subscriber.closed)).subscribe({
        next: (value) => {
          subscriber.next(value);
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          subscriber.complete();
        },
      });
      return () => {
        try {
          subscription.unsubscribe();
        } catch (thrown) {
          throwApart(thrown);
        }
      };
    });
