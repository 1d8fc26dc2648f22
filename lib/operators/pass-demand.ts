import { defer, EMPTY, filter, map, merge, Observable, of, Subject, type Subscriber, Subscription } from 'rxjs';
import { type End, endAs, HandOut } from './hand-out.js';
import { takeApart } from './take-apart.js';
import { type Credit, done, type Produce } from './stream.js';

/**
 * Lets items pass through operators that know nothing of demand, one for one: whoever they subscribe to is asked for what is wanted
 * and has not come, also where they subscribe anew. Where they give more than that, it waits here, up to 65,536 items; one more errors with
 * `overloaded`. So does its end, and an error that `waits`, as all do by default.
 */
export const passDemand =
  <T>(pass: Produce<T>, waits: (error: unknown) => boolean = always): Produce<T> =>
  (credit$) =>
    new Observable((subscriber) => new Passing(subscriber).begin(pass, waits, credit$));

const always = (): boolean => true;

/** One subscription. */
class Passing<T> {
  readonly #subscriber: Subscriber<T>;
  readonly #more$ = new Subject<number>();
  readonly #items: HandOut<T>;
  /** Items that came, and that were asked for and did not. */
  #came = 0;
  #asked = 0;
  /** How they have ended. */
  #end: End | undefined;

  constructor(subscriber: Subscriber<T>) {
    this.#subscriber = subscriber;
    this.#items = new HandOut(subscriber, 'items that nobody has asked for');
  }

  begin(pass: Produce<T>, waits: (error: unknown) => boolean, credit$: Credit): Subscription {
    const error = (failure: unknown): void => this.#subscriber.error(failure);
    // The credit may be over at once.
    const all = new Subscription();
    const grant = (more: number): void => {
      this.#items.want(more);
      this.#goOn();
    };
    all.add(credit$.subscribe({ next: grant, error }));
    takeApart(pass(this.#creditFor(credit$[done])), this.#subscriber, {
      next: (item: T) => {
        this.#came += 1;
        this.#asked = Math.max(0, this.#asked - 1);
        this.#items.push(item);
        this.#goOn();
      },
      error: (failure: unknown) => {
        if (waits(failure)) this.#endWith({ error: failure });
        else error(failure);
      },
      complete: () => {
        this.#endWith({});
      },
    });
    return all;
  }

  /** The credit of each who is subscribed to in turn, and what is done with of its items. */
  #creditFor(done$: Observable<number> | undefined): Credit {
    // What came before belongs to others.
    const doneFromHere$ = defer(() => {
      const before = this.#came;
      return (done$ ?? EMPTY).pipe(
        filter((index) => index >= before),
        map((index) => index - before),
      );
    });
    // Whoever is given some may ask for more at once.
    const asked$ = defer(() => {
      this.#asked = Math.max(0, this.#items.missing);
      return this.#asked > 0 ? merge(this.#more$, of(this.#asked)) : this.#more$;
    });
    return Object.assign(asked$, { [done]: done$ && doneFromHere$ });
  }

  #endWith(end: End): void {
    this.#end = end;
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#items.run()) return;
    if (this.#end) {
      if (this.#items.isEmpty) endAs(this.#subscriber, this.#end);
      return;
    }
    const more = this.#items.missing - this.#asked;
    if (more <= 0) return;
    this.#asked += more;
    this.#more$.next(more);
  }
}
