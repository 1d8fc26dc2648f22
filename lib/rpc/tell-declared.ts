import { catchError, from, of, timeout } from 'rxjs';
import { isSkeinError, type SkeinError } from '../core/errors.js';
import { asDeclared, type ErrorClass } from './declared-error.js';
import type { RpcPorts } from './rpc-ports.js';
import type { Sink } from './sink.js';

/** Within the time that is left, hands on what the method's contract declares as an error of its own class, and all else as it is. */
export const tellDeclared = (
  sink: Sink,
  errors: readonly ErrorClass[],
  leftMs: () => number,
  { clock, meter }: Pick<RpcPorts, 'clock' | 'meter'>,
): Sink => {
  /** Its data is not what the contract declares: another version of it may be at the other end. It is told as it came. */
  const asItCame = (error: SkeinError) => (): SkeinError => {
    meter.counter('errors.invalid').total += 1;
    return error;
  };
  const tell = (error: SkeinError): void => {
    const declared = orElse(() => asDeclared(error, errors), asItCame(error));
    if (!(declared instanceof Promise)) {
      sink.error(declared);
      return;
    }
    const tellKnown = (known: unknown): void => {
      sink.error(known);
    };
    const first = Math.max(0, leftMs());
    from(declared)
      .pipe(
        timeout({ first, scheduler: clock }),
        catchError(() => of(asItCame(error)())),
      )
      .subscribe({ next: tellKnown, error: tellKnown });
  };
  return {
    next: (value) => {
      sink.next(value);
    },
    error: (error) => {
      if (isSkeinError(error)) tell(error);
      else sink.error(error);
    },
    complete: () => {
      sink.complete();
    },
  };
};

const orElse = <T>(attempt: () => T, otherwise: () => T): T => {
  try {
    return attempt();
  } catch {
    return otherwise();
  }
};
