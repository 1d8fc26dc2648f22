import { defer, throwError, timeout, Observable, type Unsubscribable } from 'rxjs';
import { Kind } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { type Call, LazyCall } from '../operators/lazy-call.js';
import type { Method } from './contract.js';
import type { Sink } from './sink.js';
import { tellDeclared } from './tell-declared.js';
import type { UnaryOptions } from './options.js';
import { firstOf, passThrough } from './pass-through.js';
import { agree, asUnsent, type Former, Request, type Sending, type Terms } from './request.js';
import { InvalidInput, validate } from './schema.js';

export type { Call };

/** A call under way. Unsubscribing from it cancels it, which makes it a subscription's own teardown. */
class UnaryRequest extends Request {
  override readonly kind = Kind.call;
  readonly #call: UnaryCall;
  readonly #sink: Sink;
  #isWatched = true;

  constructor(sending: Sending, payload: unknown, terms: Terms, call: UnaryCall, sink: Sink) {
    super(sending, payload, terms, call.former);
    call.former = undefined;
    this.#call = call;
    this.#sink = sink;
  }

  override reply(payload: unknown): void {
    if (!this.end('ok')) return;
    if (this.isWithinWork) this.#give(payload);
    else {
      this.within(() => {
        this.#give(payload);
      });
    }
  }

  override accept(): void {
    this.fail(misanswered);
  }

  override done(): void {
    this.fail(misanswered);
  }

  unsubscribe(): void {
    this.#isWatched = false;
    this.cancel('unsubscribed');
  }

  /** Who left has seen no error, and may come again. */
  protected override failed(error: SkeinError): void {
    if (!this.#isWatched) return;
    this.#call.remember(error, this);
    this.within(() => {
      this.#sink.error(error);
    });
  }

  #give(payload: unknown): void {
    this.#sink.next(payload);
    this.#sink.complete();
  }
}

const misanswered = new SkeinError('protocol-error', { reason: 'a call was answered as a cast is' }, { ran: 'unknown' });

/** A method that a client calls: what all its calls have in common. */
export class Caller {
  readonly #sending: Sending;
  readonly #method: Pick<Method, 'output' | 'errors'>;
  readonly #validatesOutput: boolean;
  readonly #isIntercepted: boolean;

  constructor(sending: Sending, method: Pick<Method, 'output' | 'errors'>, validatesOutput: boolean) {
    this.#sending = sending;
    this.#method = method;
    this.#validatesOutput = validatesOutput;
    this.#isIntercepted = sending.ports.interceptors.client.length > 0;
  }

  get isIdempotent(): boolean {
    return this.#sending.isIdempotent;
  }

  call(input: unknown, options: UnaryOptions | undefined): Call<unknown> {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it is an Observable by structure, which RxJS asks for
    return new UnaryCall(this, input, options);
  }

  /** Sends one request, through the interceptors if there are any; what keeps it from being sent is told like any other error. */
  send(call: UnaryCall, input: unknown, options: UnaryOptions | undefined, sink: Sink): Unsubscribable | undefined {
    let terms: Terms;
    try {
      terms = agree(this.#sending, options);
    } catch (thrown) {
      this.#failUnsent(thrown, sink);
      return undefined;
    }
    const validates = options?.validateOutput ?? this.#validatesOutput;
    if (!this.#isIntercepted) return this.#sendOne(call, input, terms, validates, sink);
    const sendOne = (handed: unknown, renewed: Terms) =>
      new Observable<unknown>((subscriber) => this.#sendOne(call, handed, renewed, validates, subscriber));
    return passThrough(this.#sending, terms, input, sendOne, firstOf).subscribe(sink);
  }

  #sendOne(call: UnaryCall, input: unknown, terms: Terms, validates: boolean, sink: Sink): UnaryRequest | undefined {
    let request: UnaryRequest;
    try {
      const { errors } = this.#method;
      const told = errors.length > 0 ? tellDeclared(sink, errors, terms, this.#sending.ports) : sink;
      request = new UnaryRequest(this.#sending, input, terms, call, validates ? this.#checking(told, terms) : told);
    } catch (thrown) {
      this.#failUnsent(thrown, sink);
      return undefined;
    }
    request.send();
    return request;
  }

  #failUnsent(thrown: unknown, sink: Sink): void {
    const error = asUnsent(thrown);
    this.#sending.ports.meter.counter(`requests.${error.code}`).total += 1;
    sink.error(error);
  }

  /** Hands on only what the output's schema yields in time. */
  #checking(sink: Sink, { deadline, timeoutMs }: Terms): Sink {
    const { clock } = this.#sending.ports;
    const tooLate = () => throwError(() => new SkeinError('deadline-exceeded', { timeoutMs }, { ran: 'yes' }));
    return {
      next: (value) => {
        const first = Math.max(0, deadline - clock.now());
        defer(() => this.#check(value))
          .pipe(timeout({ first, scheduler: clock, with: tooLate }))
          .subscribe(sink);
      },
      error: (error) => {
        sink.error(error);
      },
      complete: () => undefined,
    };
  }

  /** The output as its schema yields it; a violation says that the work ran. */
  async #check(value: unknown): Promise<unknown> {
    try {
      return await validate(this.#method.output, value);
    } catch (error) {
      this.#sending.ports.meter.counter('replies.invalid').total += 1;
      const details =
        error instanceof InvalidInput ? error.details : { issues: [{ message: 'the schema of the output failed' }] };
      throw new SkeinError('invalid-argument', details, { ran: 'yes', cause: error });
    }
  }
}

/** One call of a method: each subscription is a request, and the requests of one call know of one another. */
class UnaryCall extends LazyCall<unknown> {
  readonly #caller: Caller;
  readonly #input: unknown;
  readonly #options: UnaryOptions | undefined;
  /** The error of unknown outcome after which it is not sent again, or the request that is to be repeated after it. */
  #lastWord: SkeinError | undefined;
  former: Former | undefined;

  constructor(caller: Caller, input: unknown, options: UnaryOptions | undefined) {
    super();
    this.#caller = caller;
    this.#input = input;
    this.#options = options;
  }

  /** Takes note of how a request of this call failed. */
  remember(error: SkeinError, { id, attempts }: Pick<Former, 'id' | 'attempts'>): void {
    if (error.ran !== 'unknown') return;
    if (this.#caller.isIdempotent) this.former = { id, attempts, unsure: error };
    else this.#lastWord = error;
  }

  protected override send(sink: Sink): Unsubscribable | undefined {
    if (!this.#lastWord) return this.#caller.send(this, this.#input, this.#options, sink);
    sink.error(this.#lastWord);
    return undefined;
  }
}
