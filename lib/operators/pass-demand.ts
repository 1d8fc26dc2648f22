import { defer, EMPTY, filter, map, merge, Observable, of, Subject, Subscription, tap } from 'rxjs';
import { type Credit, done, type Produce } from './stream.js';

/**
 * Lets items pass through operators that know nothing of demand, one for one: whoever they subscribe to is asked for what is wanted
 * and has not come, also where they subscribe anew.
 */
export const passDemand =
  <T>(pass: Produce<T>): Produce<T> =>
  (credit$) =>
    new Observable((subscriber) => {
      const more$ = new Subject<number>();
      let wanted = 0;
      let passed = 0;
      // The credit may be over at once.
      const all = new Subscription();
      const asking = credit$.subscribe({
        next: (more) => {
          wanted += more;
          more$.next(more);
        },
        error: (error: unknown) => subscriber.error(error),
      });
      const done$ = (credit$ as Credit)[done];
      // What came before belongs to others.
      const doneFromHere$ = defer(() => {
        const before = passed;
        return (done$ ?? EMPTY).pipe(
          filter((index) => index >= before),
          map((index) => index - before),
        );
      });
      // Whoever is given some may ask for more at once.
      const asked$ = Object.assign(
        defer(() => (wanted > 0 ? merge(more$, of(wanted)) : more$)),
        { [done]: done$ && doneFromHere$ },
      );
      all.add(asking);
      all.add(
        pass(asked$)
          .pipe(
            tap(() => {
              wanted -= 1;
              passed += 1;
            }),
          )
          .subscribe(subscriber),
      );
      return all;
    });
