import { from, type Observable, type ObservableInput, Subscription } from 'rxjs';
import { invalidArgument } from '../../core/errors.js';
import type { Stream } from '../../operators/stream.js';
import { onBehalfOf } from '../leaks/subscription-watch.js';
import { Place } from '../time/place.js';
import type { Mark } from './diagram.js';
import { judge } from './judge.js';
import type { Expected, Seen, Values } from './seen.js';
import type { Sources } from './sources.js';
import type { Timetable } from './timetable.js';

/** What is expected of something. */
export interface Expectation<T> {
  /**
   * By a diagram, in which `within 3s` before a mark lets it come that much later. A value that `values` does not name stands for
   * itself. `#` without a name stands for `error`, or for any error where that is left out; a class stands for all its errors.
   */
  toBe(marbles: string, values?: Values<NoInfer<T>>, error?: unknown): void;
}

const observed = ['next', 'error', 'complete'] as const;
const subscribed = ['subscribe', 'unsubscribe'] as const;

/** One thing that is watched, and what should be seen of it. */
interface Watch {
  readonly what: string;
  readonly place: Place;
  readonly seen: readonly Seen[];
  expected: Expected | undefined;
}

/** Watches what a play does, and compares it with diagrams when the play is over. */
export class Expectations {
  readonly #timetable: Timetable;
  readonly #sources: Sources;
  readonly #watches: Watch[] = [];
  readonly #watching = new Subscription();

  constructor(timetable: Timetable, sources: Sources) {
    this.#timetable = timetable;
    this.#sources = sources;
  }

  /** Subscribed from the first frame (or from now on, where that is over) to the end of the play, or as `subscription` says: `^ 5s !`. */
  readonly expectObservable = <T>(actual: ObservableInput<T>, subscription = '^'): Expectation<T> => {
    const seen: Seen[] = [];
    const steps = this.#timetable.read(subscription, 'a subscription', subscribed);
    if (steps[0]?.mark.kind !== 'subscribe' || steps[1]?.mark.kind === 'subscribe' || steps.length > 2) {
      throw invalidArgument(`a subscription begins with ^, and may end with one !: ${subscription}`);
    }
    const fromMs = this.#timetable.frame;
    const note = (kind: Mark['kind'], value?: unknown): void => {
      seen.push({ atMs: this.#timetable.frame - fromMs, kind, value });
    };
    const current = new Subscription();
    const place = new Place();
    const subscribe = (): void => {
      onBehalfOf(place, () => {
        current.add(
          from(actual).subscribe({
            next: (value) => {
              note('next', value);
            },
            error: (error: unknown) => {
              note('error', error);
            },
            complete: () => {
              note('complete');
            },
          }),
        );
      });
    };
    this.#watching.add(current);
    this.#timetable.atStart(() => {
      // Who watches from the first frame on sees all that happens in it.
      const isAtOnce = steps[0]?.mark.kind === 'subscribe' && steps[0].gapMs === 0;
      const rest = isAtOnce ? steps.slice(1) : steps;
      // First, so that whoever is let go at an instant does not see what its subscription has set for it.
      this.#watching.add(
        this.#timetable.run(rest, ({ kind }) => {
          if (kind === 'subscribe') subscribe();
          else current.unsubscribe();
        }),
      );
      if (isAtOnce) subscribe();
    });
    return this.#expect('expectObservable', seen, observed, place);
  };

  /** When a source that `cold` made is subscribed to (`^`) and let go (`!`). */
  readonly expectSubscriptions = (source: Observable<unknown>): Expectation<never> => {
    const seen = this.#sources.subscriptionsOf(source);
    if (!seen) throw invalidArgument('expectSubscriptions takes what cold(…) has made');
    return this.#expect('expectSubscriptions', seen, subscribed);
  };

  /** The credit that a source that `stream` made was granted, as numbers. */
  readonly expectDemand = (source: Stream<unknown>): Expectation<number> => {
    const seen = this.#sources.demandOf(source);
    if (!seen) throw invalidArgument('expectDemand takes what stream(…) has made');
    return this.#expect('expectDemand', seen, ['next']);
  };

  /** Where what was seen parts from what was expected. */
  judge(): readonly string[] {
    return this.#watches.flatMap(({ what, place, seen, expected }) => {
      const title = `${what} at ${String(place)}`;
      if (!expected) return [`${title} has no toBe(…): nothing is expected of it`];
      const problem = judge(expected, seen);
      return problem === undefined ? [] : [`${title} sees something else:\n\n${problem}`];
    });
  }

  /** Watches nothing any more. */
  close(): void {
    this.#watching.unsubscribe();
  }

  #expect<T>(what: string, seen: readonly Seen[], kinds: readonly Mark['kind'][], place = new Place()): Expectation<T> {
    const watch: Watch = { what, place, seen, expected: undefined };
    this.#watches.push(watch);
    return {
      toBe: (marbles, values = {}, error?: unknown) => {
        if (watch.expected) throw invalidArgument('toBe was called already: expect it anew');
        watch.expected = { steps: this.#timetable.read(marbles, what, kinds, true), values, error };
      },
    };
  }
}
