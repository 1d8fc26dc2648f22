import type { SkeinError } from '../core/errors.js';

/** What a handler, or an interceptor before it, gives for a request that was not started after all: it is refused with this error. */
export class Refused extends Error {
  readonly why: SkeinError;

  constructor(why: SkeinError) {
    super(why.message);
    this.why = why;
  }
}

/** A handler's error of which the log has told already. */
export class ToldAlready extends Error {}

/** Whether that was thrown; some things that can be thrown cannot even be asked. */
export const isA = <T>(thrown: unknown, Class: new (...given: never[]) => T): thrown is T => {
  try {
    return thrown instanceof Class;
  } catch {
    return false;
  }
};
