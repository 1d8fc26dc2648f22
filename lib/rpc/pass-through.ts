import {
  catchError,
  defer,
  finalize,
  ignoreElements,
  Observable,
  type Subscriber,
  take,
  tap,
  throwError,
  throwIfEmpty,
} from 'rxjs';
import type { Context } from '../core/context.js';
import { textOfThrown } from '../core/error-record.js';
import { type ErrorCode, isSkeinError, type Ran, SkeinError } from '../core/errors.js';
import { takeApart } from '../operators/take-apart.js';
import type { Operation } from '../ports/transport.js';
import { onOverdue } from './given-up.js';
import { checkHandedOn, compose, type Next } from './interceptor.js';
import type { Passing } from './rpc-ports.js';
import { onWithdrawn, type Sending, type Terms } from './terms.js';

/** Sends what has passed all interceptors, when it is subscribed; errors with SkeinErrors only. */
type Send = (input: unknown, terms: Terms) => Observable<unknown>;

/** How a request's outcome is read off what the interceptors give. */
type Read = (outcome$: Observable<unknown>) => Observable<unknown>;

/** From least to most. */
const rans: readonly Ran[] = ['no', 'unknown', 'yes'];
const more = (a: Ran, b: Ran): Ran => (rans.indexOf(a) < rans.indexOf(b) ? b : a);

/** One request on its way through a client's interceptors, however often they send it. */
class Passage implements Passing {
  readonly #sending: Sending;
  readonly #terms: Terms;
  readonly #send: Send;
  /** Whether the work ran, as far as is known of all that was sent and has ended. */
  #ranBefore: Ran = 'no';
  #underWay = 0;
  #wasSent = false;
  /** Whether a stream was open, or something came of its interceptors: then the time for its opening binds it no more. */
  #wasOpen = false;
  readonly #onOpen = (): void => {
    this.#wasOpen = true;
  };
  /** An error of unknown outcome, after which nothing more is sent. */
  #lastWord: SkeinError | undefined;
  /** Ends it whatever the interceptors do, until it is over. */
  #end: ((error: unknown) => void) | undefined;
  readonly #context: Context;

  constructor(sending: Sending, terms: Terms, send: Send) {
    this.#sending = sending;
    this.#terms = terms;
    this.#send = send;
    this.#context = terms.meta?.context ?? {};
  }

  /** The outcome: one value, or one error, which is a SkeinError; not later than the deadline, and none once it is not wanted any more. */
  run(input: unknown, read: Read): Observable<unknown> {
    const { operation, ports } = this.#sending;
    ports.passing.add(this);
    const request = { contract: operation.topic, method: operation.method, input, context: this.#context };
    const outcome$ = compose(ports.interceptors.client, this.#last)(request);
    const given$ = new Observable<unknown>((subscriber) => {
      this.#end = (error): void => {
        subscriber.error(error);
      };
      takeApart(outcome$, subscriber, subscriber);
      subscriber.add(
        onWithdrawn(this.#terms, (reason) => {
          const fail = (): void => {
            subscriber.error(new SkeinError('cancelled', { reason }, { ran: this.#ran }));
          };
          // What was sent ends by itself, and says better how; what interceptors do then is another thing.
          if (this.isHeld) fail();
          else subscriber.add(ports.clock.schedule(fail));
        }),
      );
      this.#expire(subscriber);
    });
    return read(given$).pipe(
      tap(() => {
        this.#onOpen();
      }),
      catchError((error: unknown) => throwError(() => this.#typed(error))),
      tap({
        complete: () => {
          this.#count('ok');
        },
        error: (error: unknown) => {
          this.#count((error as SkeinError).code);
        },
        unsubscribe: () => {
          this.#count('cancelled');
        },
      }),
      finalize(() => {
        this.#end = undefined;
        ports.passing.delete(this);
      }),
    );
  }

  get operation(): Operation {
    return this.#sending.operation;
  }

  get isHeld(): boolean {
    return this.#underWay === 0;
  }

  close(): void {
    if (this.isHeld) this.#end?.(new SkeinError('closed', { what: 'the node' }, { ran: this.#ran }));
  }

  get #ran(): Ran {
    return this.#underWay > 0 ? more(this.#ranBefore, 'unknown') : this.#ranBefore;
  }

  readonly #last: Next = (request) =>
    new Observable((subscriber) => {
      // Operators of several sources subscribe to this one though another one has ended them.
      if (subscriber.closed) return;
      let terms: Terms;
      try {
        // Promises know of no end, and go on.
        if (!this.#end) throw new SkeinError('cancelled', { reason: 'the request is over' }, { ran: this.#ran });
        checkHandedOn(request);
        terms = this.#renew(request.context);
      } catch (error) {
        // To the interceptors in a turn of its own, by when only promises hear of it: one that tries again at once would try for ever.
        subscriber.add(
          this.#sending.ports.clock.schedule(() => {
            subscriber.error(error);
          }),
        );
        this.#end?.(error);
        return;
      }
      this.#follow(this.#send(request.input, terms)).subscribe(subscriber);
    });

  /** Takes note of how what is sent ends. */
  #follow(sent$: Observable<unknown>): Observable<unknown> {
    this.#wasSent = true;
    this.#underWay += 1;
    const end = (ran: Ran): void => {
      this.#underWay -= 1;
      this.#ranBefore = more(this.#ranBefore, ran);
    };
    return sent$.pipe(
      tap({
        next: () => {
          this.#ranBefore = 'yes';
        },
        complete: () => {
          end('yes');
        },
        error: (thrown: unknown) => {
          const error = thrown as SkeinError;
          if (error.ran === 'unknown' && !this.#sending.isIdempotent) this.#lastWord = error;
          end(error.ran);
        },
        unsubscribe: () => {
          end('unknown');
        },
      }),
    );
  }

  /**
   * What is sent now has the time that is left, a stream that is opened anew that for an opening; and the context that it was handed on
   * with. Throws what keeps it from being sent.
   */
  #renew(context: Context): Terms {
    const { wholeDeadline, timeoutMs, signal, work } = this.#terms;
    const ran = this.#ran;
    const now = this.#sending.ports.clock.now();
    const deadline = this.#wasOpen ? Math.min(now + timeoutMs, wholeDeadline) : this.#terms.deadline;
    if (this.#lastWord) throw this.#lastWord;
    // Who tries again at once would do so until the stack is full.
    if (this.#sending.ports.life.state === 'closed') throw new SkeinError('closed', { what: 'the node' }, { ran });
    if (deadline <= now) throw new SkeinError('deadline-exceeded', { timeoutMs }, { ran });
    if (signal?.aborted === true) throw new SkeinError('cancelled', { reason: signal.reason }, { ran });
    if (work?.cancelled) throw new SkeinError('cancelled', { reason: work.cancelled }, { ran });
    const meta = context === this.#context ? this.#terms.meta : { ...this.#terms.meta, context };
    return { ...this.#terms, deadline, meta, onOpen: this.#onOpen };
  }

  /** What is under way ends by itself; this is for who would wait even then. */
  #expire(subscriber: Subscriber<unknown>): void {
    const { ports, isStream } = this.#sending;
    const { deadline, wholeDeadline, timeoutMs } = this.#terms;
    const wholeMs = wholeDeadline - ports.clock.now();
    const fail = (ms: number): void => {
      subscriber.error(new SkeinError('deadline-exceeded', { timeoutMs: ms }, { ran: this.#ran }));
    };
    const late = (): void => {
      if (!this.#wasOpen) fail(timeoutMs);
    };
    subscriber.add(onOverdue(deadline, this.#terms, ports, late));
    if (!isStream) return;
    const lateInAll = (): void => {
      fail(wholeMs);
    };
    subscriber.add(onOverdue(wholeDeadline, this.#terms, ports, lateInAll));
  }

  #typed(error: unknown): SkeinError {
    if (isSkeinError(error)) return error;
    const issues = [{ message: `a client interceptor failed: ${textOfThrown(error)}` }];
    return new SkeinError('invalid-argument', { issues }, { ran: this.#ran, cause: error });
  }

  /** What was sent is counted as it ends; what was not, here. */
  #count(how: 'ok' | ErrorCode): void {
    if (!this.#wasSent) this.#sending.ports.meter.counter(`requests.${how}`).total += 1;
  }
}

/** A request's outcome once it has passed the client's interceptors. */
export const passThrough = (sending: Sending, terms: Terms, input: unknown, send: Send, read: Read): Observable<unknown> =>
  defer(() => new Passage(sending, terms, send).run(input, read));

/** The first value; none at all is an error. */
export const firstOf: Read = (outcome$) =>
  outcome$.pipe(
    take(1),
    throwIfEmpty(() => new Error('a client interceptor completed a call without a value')),
  );

/** All values. */
export const streamOf: Read = (outcome$) => outcome$;

/** That it has completed, whatever it gave. */
export const endOf: Read = (outcome$) => outcome$.pipe(ignoreElements());
