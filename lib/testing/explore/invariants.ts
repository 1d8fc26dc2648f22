import { from, type ObservableInput, Subscription } from 'rxjs';
import { inspect } from 'node:util';
import { invalidArgument } from '../../core/errors.js';
import { textOfThrown } from '../../core/error-record.js';
import { formatMs } from '../marbles/draw.js';
import type { Timetable } from '../marbles/timetable.js';
import { Place } from '../time/place.js';

/** Ends a scenario with that error. */
type Fail = (problem: string) => void;

/** What must be so of what streams tell, whatever goes wrong. */
export class Invariants {
  readonly #timetable: Timetable;
  readonly #fail: Fail;
  readonly #watching = new Subscription();

  constructor(timetable: Timetable, fail: Fail) {
    this.#timetable = timetable;
    this.#fail = fail;
  }

  /** Each value must be right; fails the scenario at the first one that is not, and by an error of the stream. */
  readonly always = <T>(value$: ObservableInput<T>, isRight: (value: T) => boolean): void => {
    this.#watch('always', value$, (value, tell) => {
      if (!isRight(value)) tell(`was broken by ${inspect(value)}`);
    });
  };

  /** No value may be so. */
  readonly never = <T>(value$: ObservableInput<T>, isWrong: (value: T) => boolean): void => {
    this.#watch('never', value$, (value, tell) => {
      if (isWrong(value)) tell(`was broken by ${inspect(value)}`);
    });
  };

  /** So long after the last fault has ended at the latest, the last value is so, be it from before. */
  readonly eventually = <T>(value$: ObservableInput<T>, isReached: (value: T) => boolean, withinMs: number): void => {
    if (!(withinMs >= 0 && withinMs < Infinity)) {
      throw invalidArgument(`withinMs must be a time in ms, and is ${String(withinMs)}`);
    }
    let isIt = false;
    let last: { readonly value: T } | undefined;
    const tell = this.#watch('eventually', value$, (value) => {
      last = { value };
      isIt = isReached(value);
    });
    this.#timetable.atQuiet(withinMs, () => {
      if (isIt) return;
      tell(
        `is not so ${formatMs(withinMs)} after the last fault: ${last ? `the last value is ${inspect(last.value)}` : 'there was no value'}`,
      );
    });
  };

  /** Watches nothing any more. */
  close(): void {
    this.#watching.unsubscribe();
  }

  #watch<T>(what: string, value$: ObservableInput<T>, see: (value: T, tell: Fail) => void): Fail {
    const place = new Place();
    const tell: Fail = (problem) => {
      this.#fail(`${what} at ${String(place)} ${problem}, at ${formatMs(Math.round(this.#timetable.frame))}`);
    };
    this.#timetable.atStart(() => {
      this.#watching.add(
        from(value$).subscribe({
          next: (value) => {
            see(value, tell);
          },
          error: (error: unknown) => {
            tell(`was ended by the error ${textOfThrown(error)}`);
          },
        }),
      );
    });
    return tell;
  }
}
