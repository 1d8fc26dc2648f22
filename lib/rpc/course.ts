import { Kind } from '../core/envelope.js';
import type { Incoming } from '../ports/transport.js';
import type { Method, Verb } from './contract.js';
import { firstValue, isValue, type Outcome } from './first-value.js';
import { validate } from './schema.js';
import type { Work } from './work.js';

/** The way that requests of one verb take through their handler. */
export interface Course {
  readonly kinds: readonly Incoming['kind'][];
  /** Whether what comes of it is one value. */
  readonly hasValue: boolean;
  /** What the handler is called with, at once or later; throws or rejects with what keeps it from being called. */
  input(request: Incoming, work: Work): unknown;
  /** Whether what the handler returned is the outcome itself. */
  isOutcome(result: unknown): boolean;
  /** Waits for what comes of what the handler returned; what is given back stops it. */
  readonly follow: (result: unknown, outcome: Outcome, request: Incoming, work: Work) => () => void;
}

/** What is the same for a method however its requests are taken. */
export type Coursed = Pick<Method, 'input' | 'errors'> & { readonly verb: Verb; readonly open?: Method['open'] };

/** One value in, one value out, or none. */
export const unaryCourse = (method: Pick<Coursed, 'input'>): Course => ({
  kinds: [Kind.call, Kind.cast],
  hasValue: true,
  input: ({ payload }) => validate(method.input, payload),
  isOutcome: isValue,
  follow: firstValue,
});
