import type { Observable } from 'rxjs';
import { invalidArgument } from '../core/errors.js';
import type { Reply } from './first-value.js';
import type { HandlerContext } from './work.js';

declare const output: unique symbol;

/** What becomes of one request; once the stream emits it, the request is over. */
export interface Answer<O> {
  readonly [output]: (output: O) => O;
}

/** One request within a stream of them. Only a request makes its answers, which is how they find its caller. */
export interface Request<I, O> {
  /** As the method's schema yields it. */
  readonly input: I;
  readonly context: HandlerContext;
  reply(output: O): Answer<O>;
  /** The answer that it failed, as a handler fails by throwing. */
  fail(error: unknown): Answer<O>;
  /**
   * Runs the work, as a handler of this request alone is run, until it replies, fails (an answer too) or is cancelled (then there
   * is none); never errors. What the work calls in turn inherits the request's deadline, cancellation and context; outside of it
   * nothing does. Cold; unsubscribing stops the work, and leaves the request to its deadline.
   */
  answer(work: (input: I, context: HandlerContext) => Reply<O>): Observable<Answer<O>>;
}

/** All requests of a method as one stream, to the answers to them, in any order. */
export type WholeStream<I, O> = (request$: Observable<Request<I, O>>) => Observable<Answer<O>>;

/** A method that is handled as one stream; made by {@link requests}. */
export interface Requests<I, O> {
  readonly handle: WholeStream<I, O>;
}

class HandledAsOne<I, O> implements Requests<I, O> {
  readonly handle: WholeStream<I, O>;

  constructor(handle: WholeStream<I, O>) {
    this.handle = handle;
  }
}

/**
 * Handles a method as one stream rather than request by request, to shape concurrency, order or batches. The stream is
 * subscribed while the server serves. If it errors or completes, the requests in it that have no answer yet fail with
 * `remote-error`, and it is subscribed anew, after a wait that grows from 100 ms to 30 s; what arrives meanwhile waits. After more
 * than 10 times in 60 s it stays ended, and its requests are refused with `closed`. One left unanswered meets its deadline. Throws
 * `invalid-argument` for what is no function.
 */
export const requests = <I, O>(handle: WholeStream<I, O>): Requests<I, O> => {
  if (typeof handle !== 'function') throw invalidArgument('requests(…) takes a function of the stream of requests');
  return new HandledAsOne(handle);
};

export const isRequests = (handler: unknown): handler is Requests<unknown, unknown> => handler instanceof HandledAsOne;
