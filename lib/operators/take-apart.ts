import { type Observable, type Observer, Subscriber } from 'rxjs';
import { throwApart } from './throw-apart.js';

/**
 * Has `observer` take what the source gives, for as long as `subscriber` is open: the source sees at once when that is closed, also as it emits
 * while it is subscribed. What it throws as it is let go of is told apart, and changes nothing of what comes of it.
 */
export const takeApart = <T>(source$: Observable<T>, subscriber: Subscriber<unknown>, observer: Observer<T>): void => {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the subscription that `subscribe` gives back comes too late for such a source
  const taker = new Subscriber<T>({
    next: (value: T) => {
      observer.next(value);
    },
    error: (error: unknown) => {
      observer.error(error);
    },
    complete: () => {
      observer.complete();
    },
  });
  subscriber.add(() => {
    try {
      taker.unsubscribe();
    } catch (thrown) {
      throwApart(thrown);
    }
  });
  source$.subscribe(taker);
};
