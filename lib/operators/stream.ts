import type { Observable } from 'rxjs';
import { defer, of, type OperatorFunction, Subject, type Subscription } from 'rxjs';
import { ObservableShape } from './observable-shape.js';

/** How a stream is asked for items; see {@link Stream}. */
export const demand: unique symbol = Symbol('skein.demand');

/**
 * A cold Observable that holds its producer back. An item is consumed when `next` returned, where it is plainly subscribed; when
 * `for await` asks for the one behind it; or when `consume` is done with it. RxJS' own operators consume at once and buffer on
 * their own account.
 */
export interface Stream<out T> extends Observable<T>, AsyncIterable<T> {
  /** Emits no more items than the credit that it was given adds up to. */
  readonly [demand]: Produce<T>;
  readonly pipe: DemandPipe<T> & Observable<T>['pipe'];
}

/**
 * Emits as many items as the credit adds up to. It subscribes to the credit as it is subscribed itself, and must take more credit
 * while it emits without emitting inside of that: a loop, where recursion would exhaust the stack.
 */
export type Produce<T> = (credit$: Observable<number>) => Observable<T>;

/** Where one who asks says which items are done with, by how many it got before; of all others, asking for one more says that the oldest is. */
export const done: unique symbol = Symbol('skein.done');

/** Credit, from whoever asks. */
export type Credit = Observable<number> & { readonly [done]?: Observable<number> | undefined };

/** Asks for items, and says apart from it which are done with: for one who may have asked for more than comes. */
export class Asks {
  readonly #more$ = new Subject<number>();
  readonly #done$ = new Subject<number>();
  readonly credit$: Credit;

  /** With `others`, items are done with when those say so, who get one for each. */
  constructor(others?: Credit) {
    const done$ = others ? others[done] : this.#done$.asObservable();
    this.credit$ = Object.assign(this.#more$.asObservable(), { [done]: done$ });
  }

  ask(count: number): void {
    this.#more$.next(count);
  }

  /** Done with is the item before which so many came. */
  finish(index: number): void {
    this.#done$.next(index);
  }
}

/** An operator that asks for items itself, and so keeps the demand of what stands behind it. */
export type DemandOperator<T, R> = (source: Stream<T>) => Stream<R>;

/** What `Stream.pipe` takes beside RxJS' operators: such as ask for items themselves, first in line. */
export interface DemandPipe<T> {
  <A>(first: DemandOperator<T, A>): Stream<A>;
  <A, B>(first: DemandOperator<T, A>, second: DemandOperator<A, B>): Stream<B>;
  <A, B>(first: DemandOperator<T, A>, op2: OperatorFunction<A, B>): Observable<B>;
  <A, B, C>(first: DemandOperator<T, A>, op2: OperatorFunction<A, B>, op3: OperatorFunction<B, C>): Observable<C>;
}

/** A stream of what knows how to wait. */
export const fromDemand = <T>(produce: Produce<T>): Stream<T> =>
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it is an Observable by structure, which RxJS asks for
  new DemandedStream(produce);

/** Who is done with each item as it takes it never holds back. */
const unlimited$ = of(Infinity);

class DemandedStream<T> extends ObservableShape<T> implements Stream<T> {
  readonly [demand]: Produce<T>;

  constructor(produce: Produce<T>) {
    super();
    this[demand] = produce;
  }

  /** Operators get the stream itself, so that those that know demand can ask it. */
  override get pipe(): Stream<T>['pipe'] {
    const pipe = (...operators: readonly ((source: unknown) => unknown)[]): unknown =>
      operators.reduce<unknown>((source, operator) => operator(source), this);
    return pipe as Stream<T>['pipe'];
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new Asking(this[demand]);
  }

  protected override observable(): Observable<T> {
    return defer(() => this[demand](unlimited$));
  }
}

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const over = { done: true, value: undefined } as const;

/** The error of a source that does not wait to be asked. */
export const unasked = (): Error => new Error('a source gave more items than it was asked for');

/** Asks for one item each time that it is asked for one itself, and subscribes with the first. */
class Asking<T> implements AsyncIterator<T, undefined> {
  readonly #asks = new Asks();
  readonly #waiting: Waiting<T>[] = [];
  #finished = 0;
  /** Whether the last item that it got may be in use still. */
  #isUsing = false;
  readonly #produce: Produce<T>;
  #subscription: Subscription | undefined;
  #isOver = false;
  /** Told to the first that asks. */
  #failure: { readonly error: unknown } | undefined;

  constructor(produce: Produce<T>) {
    this.#produce = produce;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) {
        this.#end({ resolve, reject });
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#subscription ??= this.#subscribe();
      if (this.#isUsing) this.#asks.finish(this.#finished++);
      this.#isUsing = false;
      this.#asks.ask(1);
      if (this.#isOver) this.#subscription.unsubscribe();
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#subscription?.unsubscribe();
    this.#finish();
    return Promise.resolve(over);
  }

  #subscribe(): Subscription {
    return defer(() => this.#produce(this.#asks.credit$)).subscribe({
      next: (value) => {
        const waiting = this.#waiting.shift();
        if (waiting) {
          waiting.resolve({ done: false, value });
          // Who has asked for the next one already does not use one after the other.
          if (this.#waiting.length > 0) this.#asks.finish(this.#finished++);
          else this.#isUsing = true;
        } else {
          this.#fail(unasked());
          this.#subscription?.unsubscribe();
        }
      },
      error: (error: unknown) => {
        this.#fail(error);
      },
      complete: () => {
        this.#finish();
      },
    });
  }

  #fail(error: unknown): void {
    if (!this.#isOver) this.#failure = { error };
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    for (const waiting of this.#waiting.splice(0)) this.#end(waiting);
  }

  #end({ resolve, reject }: Waiting<T>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) reject(failure.error);
    else resolve(over);
  }
}
