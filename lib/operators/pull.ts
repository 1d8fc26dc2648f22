import { Observable, type Subscriber } from 'rxjs';
import type { Backlog } from '../core/backlog.js';
import { invalidArgument } from '../core/errors.js';
import { type Gathering, gathering } from './bounded.js';
import { demand, type Produce, type Stream } from './stream.js';

/** What may cross the wire item by item, because it can be held back; a plain Observable cannot: see `bounded`. */
export type Source<T> = Stream<T> | (AsyncIterable<T> & { readonly subscribe?: never }) | (Iterable<T> & object);

/**
 * How to ask a source for its items; `gathers` is told of what it keeps, each time that it is subscribed, where it cannot wait itself. Throws
 * `invalid-argument` for what cannot be held back.
 */
export const pull = <T>(source: Source<T>, gathers: (backlog: Backlog) => void): Produce<T> => {
  if (typeof source === 'object' && (source as unknown) !== null) {
    if (gathering in source) return (source as Gathering<T>)[gathering](gathers);
    if (demand in source) return source[demand];
    if (Symbol.iterator in source) return produceSync(source);
    if (Symbol.asyncIterator in source && !('subscribe' in source)) return produceAsync(source);
  }
  throw invalidArgument(
    'what is sent item by item must be an iterable, an async iterable or a Stream: put an Observable, which cannot wait, into bounded(source$, { overflow })',
  );
};

const produceSync =
  <T>(source: Iterable<T>): Produce<T> =>
  (credit$) =>
    new Observable((subscriber) => {
      const iterator = source[Symbol.iterator]();
      let wanted = 0;
      let isEmitting = false;
      let isOver = false;
      const next = (): IteratorResult<T> | undefined => {
        try {
          return iterator.next();
        } catch (error) {
          isOver = true;
          subscriber.error(error);
          return undefined;
        }
      };
      const emit = (): void => {
        if (isEmitting || isOver) return;
        isEmitting = true;
        while (wanted > 0 && !subscriber.closed) {
          const result = next();
          if (!result) break;
          if (result.done === true) {
            isOver = true;
            subscriber.complete();
            break;
          }
          wanted -= 1;
          subscriber.next(result.value);
        }
        isEmitting = false;
      };
      const asking = credit$.subscribe({
        next: (more) => {
          wanted += more;
          emit();
        },
        error: (error: unknown) => subscriber.error(error),
      });
      return () => {
        asking.unsubscribe();
        if (!isOver) iterator.return?.();
      };
    });

const produceAsync =
  <T>(source: AsyncIterable<T>): Produce<T> =>
  (credit$) =>
    new Observable((subscriber) => new Iteration(source[Symbol.asyncIterator](), subscriber).begin(credit$));

/** Asks for one value at a time, as long as any are wanted. */
class Iteration<T> {
  readonly #iterator: AsyncIterator<T>;
  readonly #subscriber: Subscriber<T>;
  #wanted = 0;
  #isAsking = false;
  #isOver = false;

  constructor(iterator: AsyncIterator<T>, subscriber: Subscriber<T>) {
    this.#iterator = iterator;
    this.#subscriber = subscriber;
  }

  begin(credit$: Observable<number>): () => void {
    const credit = credit$.subscribe({
      next: (more) => {
        this.#wanted += more;
        this.#ask();
      },
      error: this.#fail,
    });
    return () => {
      credit.unsubscribe();
      if (!this.#isOver) this.#leave();
    };
  }

  readonly #take = ({ done, value }: IteratorResult<T>): void => {
    this.#isAsking = false;
    if (done === true) {
      this.#isOver = true;
      this.#subscriber.complete();
      return;
    }
    this.#subscriber.next(value);
    this.#ask();
  };

  readonly #fail = (error: unknown): void => {
    this.#isOver = true;
    this.#subscriber.error(error);
  };

  #ask(): void {
    if (this.#isAsking || this.#isOver || this.#wanted <= 0 || this.#subscriber.closed) return;
    this.#isAsking = true;
    this.#wanted -= 1;
    try {
      this.#iterator.next().then(this.#take).catch(this.#fail);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What a source does on the way out is its own affair: no one wants anything of it any more. */
  #leave(): void {
    this.#isOver = true;
    void new Promise((resolve) => {
      resolve(this.#iterator.return?.());
    }).catch(ignore);
  }
}

const ignore = (): void => undefined;
