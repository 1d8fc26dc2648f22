import { defer, throwError, timeout } from 'rxjs';
import { Kind } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { type Call, LazyCall } from '../operators/lazy-call.js';
import type { Method } from './contract.js';
import type { UnaryOptions } from './options.js';
import { agree, asUnsent, Request, type Sending, type Terms } from './request.js';
import { InvalidInput, validate } from './schema.js';

export type { Call };

/** Who gets the value or the error, such as a subscriber. */
interface Sink {
  next(value: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

/** A call under way. Unsubscribing from it cancels it, which makes it a subscription's own teardown. */
class UnaryRequest extends Request {
  override readonly kind = Kind.call;
  readonly #call: UnaryCall;
  readonly #sink: Sink;
  #isWatched = true;

  constructor(sending: Sending, payload: unknown, terms: Terms, call: UnaryCall, sink: Sink) {
    super(sending, payload, terms, call.takeId());
    this.#call = call;
    this.#sink = sink;
  }

  override reply(payload: unknown): void {
    if (!this.end('ok')) return;
    this.#sink.next(payload);
    this.#sink.complete();
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
    this.#call.remember(error, this.id);
    this.#sink.error(error);
  }
}

const misanswered = new SkeinError('protocol-error', { reason: 'a call was answered as a cast is' }, { ran: 'unknown' });

/** A method that a client calls: what all its calls have in common. */
export class Caller {
  readonly #sending: Sending;
  readonly #method: Pick<Method, 'options' | 'output'>;
  readonly #validatesOutput: boolean;

  constructor(sending: Sending, method: Pick<Method, 'options' | 'output'>, validatesOutput: boolean) {
    this.#sending = sending;
    this.#method = method;
    this.#validatesOutput = validatesOutput;
  }

  get isIdempotent(): boolean {
    return this.#method.options.idempotent === true;
  }

  call(input: unknown, options: UnaryOptions | undefined): Call<unknown> {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it is an Observable by structure, which RxJS asks for
    return new UnaryCall(this, input, options);
  }

  /** Sends one request; what keeps it from being sent is told like any other error. */
  send(call: UnaryCall, input: unknown, options: UnaryOptions | undefined, sink: Sink): UnaryRequest | undefined {
    let request: UnaryRequest;
    try {
      const validates = options?.validateOutput ?? this.#validatesOutput;
      const terms = agree(this.#sending, options);
      request = new UnaryRequest(this.#sending, input, terms, call, validates ? this.#checking(sink, terms) : sink);
    } catch (thrown) {
      const error = asUnsent(thrown);
      this.#sending.ports.meter.counter(`requests.${error.code}`).total += 1;
      sink.error(error);
      return undefined;
    }
    request.send();
    return request;
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
  /** The error of unknown outcome after which it is not sent again, or the id of the request that is to be repeated after it. */
  #lastWord: SkeinError | undefined;
  #repeatId: number | undefined;

  constructor(caller: Caller, input: unknown, options: UnaryOptions | undefined) {
    super();
    this.#caller = caller;
    this.#input = input;
    this.#options = options;
  }

  /** Takes note of how a request of this call failed. */
  remember(error: SkeinError, id: number): void {
    if (error.ran !== 'unknown') return;
    if (this.#caller.isIdempotent) this.#repeatId = id;
    else this.#lastWord = error;
  }

  /** The id of the request that the next one repeats, if it repeats one. */
  takeId(): number | undefined {
    const id = this.#repeatId;
    this.#repeatId = undefined;
    return id;
  }

  protected override send(sink: Sink): UnaryRequest | undefined {
    if (!this.#lastWord) return this.#caller.send(this, this.#input, this.#options, sink);
    sink.error(this.#lastWord);
    return undefined;
  }
}
