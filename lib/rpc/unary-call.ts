import { defer, throwError, timeout, Observable, type Unsubscribable } from 'rxjs';
import { Kind, type RequestEnvelope } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { throwApart } from '../operators/throw-apart.js';
import { type Call, LazyCall } from '../operators/lazy-call.js';
import { checkOutput } from './check-output.js';
import type { Method } from './contract.js';
import type { Sink } from './sink.js';
import { tellDeclared } from './tell-declared.js';
import type { UnaryOptions } from './options.js';
import { firstOf, passThrough } from './pass-through.js';
import { type Former, Request } from './request.js';
import { agree, asUnsent, leftOfStream, type Sending, type Terms } from './terms.js';

export type { Call };

/** A call under way. Unsubscribing from it cancels it, which makes it a subscription's own teardown. */
export class UnaryRequest extends Request {
  override readonly kind: RequestEnvelope['kind'] = Kind.call;
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
    try {
      this.#sink.next(payload);
      this.#sink.complete();
    } catch (error) {
      throwApart(error);
    }
  }
}

const misanswered = new SkeinError('protocol-error', { reason: 'a call was answered as a cast is' }, { ran: 'unknown' });

type MakeRequest = (input: unknown, terms: Terms, call: UnaryCall, sink: Sink, options: UnaryOptions | undefined) => UnaryRequest;

/** A method that a client calls: what all its calls have in common. */
export class Caller {
  readonly #sending: Sending;
  readonly #method: Pick<Method, 'output' | 'errors'>;
  readonly #validatesOutput: boolean;
  readonly #isIntercepted: boolean;
  readonly #make: MakeRequest;

  /** `make` says what each of its requests is; by default, one of an input that is sent as it is. */
  constructor(
    sending: Sending,
    method: Pick<Method, 'output' | 'errors'>,
    validatesOutput: boolean,
    make: MakeRequest = (input, terms, call, sink) => new UnaryRequest(sending, input, terms, call, sink),
  ) {
    this.#sending = sending;
    this.#method = method;
    this.#make = make;
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
    if (!this.#isIntercepted) return this.#sendOne(call, input, terms, options, sink);
    const sendOne = (handed: unknown, renewed: Terms) =>
      new Observable<unknown>((subscriber) => this.#sendOne(call, handed, renewed, options, subscriber));
    return passThrough(this.#sending, terms, input, sendOne, firstOf).subscribe(sink);
  }

  #sendOne(
    call: UnaryCall,
    input: unknown,
    terms: Terms,
    options: UnaryOptions | undefined,
    sink: Sink,
  ): UnaryRequest | undefined {
    let request: UnaryRequest;
    try {
      const { errors } = this.#method;
      const { ports, isStream } = this.#sending;
      const leftMs = isStream ? leftOfStream(terms, ports) : () => terms.deadline - ports.clock.now();
      const told = errors.length > 0 ? tellDeclared(sink, errors, leftMs, ports) : sink;
      const validates = options?.validateOutput ?? this.#validatesOutput;
      request = this.#make(input, terms, call, validates ? this.#checking(told, terms.timeoutMs, leftMs) : told, options);
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
  #checking(sink: Sink, timeoutMs: number, leftMs: () => number): Sink {
    const { clock } = this.#sending.ports;
    const tooLate = () => throwError(() => new SkeinError('deadline-exceeded', { timeoutMs }, { ran: 'yes' }));
    return {
      next: (value) => {
        const first = Math.max(0, leftMs());
        defer(() => checkOutput(this.#method.output, value, this.#sending.ports))
          .pipe(timeout({ first, scheduler: clock, with: tooLate }))
          .subscribe(sink);
      },
      error: (error) => {
        sink.error(error);
      },
      complete: () => undefined,
    };
  }
}

/** One call of a method: each subscription is a request, and the requests of one call know of one another. */
export class UnaryCall extends LazyCall<unknown> {
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
