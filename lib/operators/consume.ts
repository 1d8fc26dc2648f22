import { defer, from, Observable, type ObservableInput, type Subscriber, Subscription } from 'rxjs';
import { checkCounts } from './check-counts.js';
import { type End, endAs, HandOut } from './hand-out.js';
import { Asks, demand, type DemandOperator, fromDemand, type Stream } from './stream.js';
import { whileOpen } from './while-open.js';

/**
 * Runs `project` for each item, at most `concurrency` (1) at once, and asks for another item as one completes: whatever more there
 * is stays at its source. Emits what they emit; results come as they are ready. A stream goes in and comes out, so that it can stand
 * before another `consume` or a `for await`: then it also asks for no more items than results are wanted. Projections that emit
 * several values may be ahead of that by 65,536 values; one more errors with `overloaded`. Throws `invalid-argument` for what is no
 * count.
 */
export const consume = <T, R>(project: Project<T, R>, concurrency = 1): DemandOperator<T, R> => {
  checkCounts('consume', { concurrency });
  const max = Math.min(concurrency, Number.MAX_SAFE_INTEGER);
  return (source) =>
    fromDemand(
      (credit$) =>
        new Observable((subscriber) => new Consumption(project, max, new Asks(), subscriber).begin(source, credit$, never)),
    );
};

const never = (): boolean => false;

/** Makes one item of each, which is done with when that one is; an error that `waits` comes behind what was there before. */
export const step =
  <T, R>(project: Project<T, R>, waits: (error: unknown) => boolean): DemandOperator<T, R> =>
  (source) =>
    fromDemand(
      (credit$) =>
        new Observable((subscriber) => new Consumption(project, 1, new Asks(credit$), subscriber).begin(source, credit$, waits)),
    );

type Project<T, R> = (item: T, index: number) => ObservableInput<R>;

/** One subscription. */
class Consumption<T, R> {
  readonly #project: Project<T, R>;
  readonly #max: number;
  readonly #subscriber: Subscriber<R>;
  readonly #asks: Asks;
  readonly #results: HandOut<R>;
  readonly #work = new Subscription();
  #asked = 0;
  #running = 0;
  #index = 0;
  /** How its source has ended. */
  #end: End | undefined;

  constructor(project: Project<T, R>, max: number, asks: Asks, subscriber: Subscriber<R>) {
    this.#project = project;
    this.#max = max;
    this.#asks = asks;
    this.#subscriber = subscriber;
    this.#results = new HandOut(subscriber, 'results');
  }

  /** Where its source fails with an error that `waits`, what is at work still comes. */
  begin(source: Stream<T>, credit$: Observable<number>, waits: (error: unknown) => boolean): Subscription {
    const error = (failure: unknown): void => this.#subscriber.error(failure);
    const endWith = (end: End): void => {
      this.#end = end;
      this.#goOn();
    };
    const taking = source[demand](this.#asks.credit$).subscribe({
      next: (item) => {
        this.#start(item);
      },
      error: (failure: unknown) => {
        if (waits(failure)) endWith({ error: failure });
        else error(failure);
      },
      complete: () => {
        endWith({});
      },
    });
    this.#work.add(taking);
    const grant = (more: number): void => {
      this.#results.want(more);
      this.#goOn();
    };
    this.#work.add(credit$.subscribe({ next: grant, error }));
    return this.#work;
  }

  #start(item: T): void {
    this.#asked -= 1;
    this.#running += 1;
    const index = this.#index++;
    const one = new Subscription();
    this.#work.add(one);
    one.add(
      defer(() => from(this.#project(item, index)))
        .pipe(whileOpen(this.#subscriber))
        .subscribe({
          next: (value) => {
            this.#results.push(value);
            this.#goOn();
          },
          error: (error: unknown) => this.#subscriber.error(error),
          complete: () => {
            // It lets go of what it held before the next one takes its place.
            one.unsubscribe();
            this.#running -= 1;
            this.#asks.finish(index);
            this.#goOn();
          },
        }),
    );
  }

  /** Goes on wherever it can. */
  #goOn(): void {
    if (!this.#results.run()) return;
    if (this.#end && this.#running === 0 && this.#results.isEmpty) endAs(this.#subscriber, this.#end);
    const free = Math.min(this.#max, this.#results.missing) - this.#running - this.#asked;
    if (free <= 0 || this.#end || this.#subscriber.closed) return;
    this.#asked += free;
    this.#asks.ask(free);
  }
}
