import { catchError, defer, EMPTY, finalize, Observable, ReplaySubject, share, Subject, takeUntil, tap } from 'rxjs';
import { mergeBounded } from 'skein';
import type { Order, Result } from './contracts.js';

/** The instances of one compute: some run, the others wait. */
export class Instances {
  readonly #run: (order: Order) => Observable<Result>;
  readonly #byOrder = new Map<string, Observable<Result>>();
  readonly #running = new Set<string>();
  readonly #turn$ = new Subject<Observable<Result>>();

  constructor(capacity: number, run: (order: Order) => Observable<Result>) {
    this.#run = run;
    this.#turn$.pipe(mergeBounded(capacity, (instance$) => instance$)).subscribe();
  }

  get running(): readonly string[] {
    return [...this.#running];
  }

  get waiting(): number {
    return this.#byOrder.size - this.#running.size;
  }

  /** The result of the order's instance, which is one for all who ask, and ends when nobody asks for it any more. */
  boot(order: Order): Observable<Result> {
    const known$ = this.#byOrder.get(order.id);
    if (known$) return known$;
    const instance$ = this.#inTurn(order).pipe(
      finalize(() => this.#byOrder.delete(order.id)),
      share({ connector: () => new ReplaySubject(1) }),
    );
    this.#byOrder.set(order.id, instance$);
    return instance$;
  }

  #inTurn(order: Order): Observable<Result> {
    return new Observable((subscriber) => {
      const unwanted$ = new ReplaySubject<void>(1);
      this.#turn$.next(
        this.#started(order).pipe(
          tap(subscriber),
          // It was told to who asked, and the next one has its turn.
          catchError(() => EMPTY),
          takeUntil(unwanted$),
        ),
      );
      return () => unwanted$.next();
    });
  }

  #started(order: Order): Observable<Result> {
    return defer(() => {
      this.#running.add(order.id);
      return this.#run(order).pipe(finalize(() => this.#running.delete(order.id)));
    });
  }
}
