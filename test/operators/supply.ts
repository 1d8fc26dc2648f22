import { Observable } from 'rxjs';
import { fromDemand, type Stream } from '../../lib/operators/stream.js';

export interface Supply<T> {
  readonly stream: Stream<T>;
  /** What it was asked for, in order. */
  readonly asked: number[];
  /** Items that it has not given out. */
  readonly left: T[];
  /** How often it was subscribed, and how many of those subscriptions are open. */
  readonly opened: number;
  readonly open: number;
}

/** Gives out items as it is asked for them, at once, and completes behind the last one. */
export const supply = <T>(...items: T[]): Supply<T> => {
  const supplied = { asked: [] as number[], left: items, opened: 0, open: 0 };
  const stream = fromDemand(
    (credit$) =>
      new Observable<T>((subscriber) => {
        supplied.opened += 1;
        supplied.open += 1;
        let credit = 0;
        let isEmitting = false;
        const give = (): void => {
          if (isEmitting) return;
          isEmitting = true;
          while (credit > 0 && items.length > 0 && !subscriber.closed) {
            credit -= 1;
            subscriber.next(items.shift()!);
          }
          isEmitting = false;
          if (items.length === 0) subscriber.complete();
        };
        const granting = credit$.subscribe((more) => {
          supplied.asked.push(more);
          credit += more;
          give();
        });
        return () => {
          supplied.open -= 1;
          granting.unsubscribe();
        };
      }),
  );
  return Object.assign(supplied, { stream });
};
