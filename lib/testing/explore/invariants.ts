import { from, type ObservableInput, Subscription } from 'rxjs';
import { inspect } from 'node:util';
import { invalidArgument } from '../../core/errors.js';
import { textOfThrown } from '../../core/error-record.js';
import { formatMs } from '../marbles/draw.js';
import type { Timetable } from '../marbles/timetable.js';
import { Place } from '../time/place.js';

/** Ends a scenario with that problem; `bug` is the part of it that is the same whatever the time and the value. */
type Fail = (problem: string, bug: string) => void;

/** What is wrong, and how. */
type Tell = (problem: string, how: string) => void;

/** Without its numbers and times, which differ from run to run; names and places keep theirs. */
export const blurred = (text: string): string => text.replace(/(?<![\w:.])\d+(?:\.\d+)?(?:(?:ms|s|m|h)\b)?/g, '#');

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
      if (!isRight(value)) tell('was broken', ` by ${inspect(value)}`);
    });
  };

  /** No value may be so. */
  readonly never = <T>(value$: ObservableInput<T>, isWrong: (value: T) => boolean): void => {
    this.#watch('never', value$, (value, tell) => {
      if (isWrong(value)) tell('was broken', ` by ${inspect(value)}`);
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
      const seen = last ? `the last value is ${inspect(last.value)}` : 'there was no value';
      tell('is not so', ` ${formatMs(withinMs)} after the last fault: ${seen}`);
    });
  };

  /** Watches nothing any more. */
  close(): void {
    this.#watching.unsubscribe();
  }

  #watch<T>(what: string, value$: ObservableInput<T>, see: (value: T, tell: Tell) => void): Tell {
    const place = new Place();
    const tell = (problem: string, how: string): void => {
      const which = `${what} at ${String(place)}`;
      const atMs = formatMs(Math.round(this.#timetable.frame));
      this.#fail(`${which} ${problem}${how}, at ${atMs}`, `${which} ${blurred(problem)}`);
    };
    this.#timetable.atStart(() => {
      this.#watching.add(
        from(value$).subscribe({
          next: (value) => {
            see(value, tell);
          },
          error: (error: unknown) => {
            const text = textOfThrown(error);
            const [first = ''] = text.split('\n', 1);
            tell(`was ended by the error ${first}`, text.slice(first.length));
          },
        }),
      );
    });
    return tell;
  }
}
