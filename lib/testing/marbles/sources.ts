import { defer, Observable, type Observer, Subject } from 'rxjs';
import { fromDemand, type Stream } from '../../operators/stream.js';
import { currentDoer } from '../current.js';
import { entered } from '../entered.js';
import type { Mark } from './diagram.js';
import type { Seen, Values } from './seen.js';
import type { Timetable } from './timetable.js';

const kinds = ['next', 'error', 'complete'] as const;

/** Makes Observables that emit by diagrams. A value that `values` does not name is its own name. */
export class Sources {
  readonly #timetable: Timetable;
  readonly #hot: Subject<unknown>[] = [];
  /** What was seen of subscriptions and demand, by source. */
  readonly #subscribed = new WeakMap<object, Seen[]>();
  readonly #granted = new WeakMap<object, Seen[]>();

  constructor(timetable: Timetable) {
    this.#timetable = timetable;
  }

  /** Emits from the first frame on, or from now on where that is over, to whoever is subscribed then. */
  readonly hot = <T = string>(marbles: string, values: Values<T> = {}, error?: unknown): Observable<T> => {
    const steps = this.#timetable.read(marbles, 'a source', kinds);
    const subject = new Subject<T>();
    this.#hot.push(subject as Subject<unknown>);
    this.#timetable.atStart(() => {
      this.#timetable.run(steps, (mark) => {
        tell(subject, mark, values, error);
      });
    });
    return heard(subject);
  };

  /** Emits to each subscriber from its own subscription on. */
  readonly cold = <T = string>(marbles: string, values: Values<T> = {}, error?: unknown): Observable<T> => {
    const steps = this.#timetable.read(marbles, 'a source', kinds);
    const seen: Seen[] = [];
    const fromMs = this.#timetable.frame;
    const cold$ = heard(
      new Observable<T>((subscriber) => {
        seen.push({ atMs: this.#timetable.frame - fromMs, kind: 'subscribe' });
        const running = this.#timetable.run(steps, (mark) => {
          tell(subscriber, mark, values, error);
        });
        return () => {
          running.unsubscribe();
          seen.push({ atMs: this.#timetable.frame - fromMs, kind: 'unsubscribe' });
        };
      }),
    );
    this.#subscribed.set(cold$, seen);
    return cold$;
  };

  /** Like `cold`, and emits no more than it is asked for; what is not asked for yet waits. */
  readonly stream = <T = string>(marbles: string, values: Values<T> = {}, error?: unknown): Stream<T> => {
    const steps = this.#timetable.read(marbles, 'a source', kinds);
    const granted: Seen[] = [];
    const fromMs = this.#timetable.frame;
    const stream = fromDemand<T>((credit$) =>
      heard(
        new Observable((subscriber) => {
          const waiting: Mark[] = [];
          let credit = 0;
          let isGiving = false;
          const give = (): void => {
            if (isGiving) return;
            isGiving = true;
            for (let [mark] = waiting; mark && (mark.kind !== 'next' || credit > 0); [mark] = waiting) {
              waiting.shift();
              if (mark.kind === 'next') credit -= 1;
              tell(subscriber, mark, values, error);
            }
            isGiving = false;
          };
          const asking = credit$.subscribe({
            next: (more) => {
              granted.push({ atMs: this.#timetable.frame - fromMs, kind: 'next', value: more });
              credit += more;
              give();
            },
            error: (thrown: unknown) => {
              subscriber.error(thrown);
            },
          });
          const running = this.#timetable.run(steps, (mark) => {
            waiting.push(mark);
            give();
          });
          return () => {
            asking.unsubscribe();
            running.unsubscribe();
          };
        }),
      ),
    );
    this.#granted.set(stream, granted);
    return stream;
  };

  subscriptionsOf(source: object): readonly Seen[] | undefined {
    return this.#subscribed.get(source);
  }

  demandOf(source: object): readonly Seen[] | undefined {
    return this.#granted.get(source);
  }

  /** Lets whoever still waits for a hot one go. */
  close(): void {
    for (const subject of this.#hot.splice(0)) subject.complete();
  }
}

/** A process hears it as it hears whatever comes from outside: not while it is paused, and no more once it is dead. */
const heard = <T>(source$: Observable<T>): Observable<T> =>
  defer(() => {
    const doer = currentDoer();
    return doer ? entered(source$, doer.enter) : source$;
  });

const tell = <T>(observer: Observer<T>, mark: Mark, values: Values<T>, error: unknown): void => {
  if (mark.kind === 'next') observer.next((Object.hasOwn(values, mark.token) ? values[mark.token] : mark.token) as T);
  else if (mark.kind === 'complete') observer.complete();
  else observer.error(mark.kind === 'error' ? errorOf(mark.token, values, error) : undefined);
};

const errorOf = (token: string | undefined, values: Values<unknown>, error: unknown): unknown => {
  if (token === undefined) return error ?? new Error('error');
  return Object.hasOwn(values, token) ? values[token] : new Error(token);
};
