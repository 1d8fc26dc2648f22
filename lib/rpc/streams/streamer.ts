import { Observable, type Subscriber } from 'rxjs';
import { Kind } from '../../core/envelope.js';
import { isSkeinError, SkeinError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { step } from '../../operators/consume.js';
import { passDemand } from '../../operators/pass-demand.js';
import { throwApart } from '../../operators/throw-apart.js';
import { demand, fromDemand, type Produce, type Stream } from '../../operators/stream.js';
import type { Method } from '../contract.js';
import type { ChannelOptions } from '../options.js';
import { checkOutput } from '../check-output.js';
import { onGivenUp } from '../given-up.js';
import { passThrough, streamOf } from '../pass-through.js';
import { Request } from '../request.js';
import type { RpcPorts } from '../rpc-ports.js';
import { agree, asUnsent, leftOfStream, type Sending, type Terms } from '../terms.js';
import type { Sink } from '../sink.js';
import { tellDeclared } from '../tell-declared.js';
import { feed } from './feed.js';
import { Inflow } from './inflow.js';
import { SentFlows } from './sent-flows.js';

/** A stream or a channel under way. */
class ItemsRequest extends Request {
  override readonly kind = Kind.open;
  override readonly stream: SentFlows;
  readonly inflow: Inflow;
  readonly #life: RpcPorts['life'];
  #isWithdrawn = false;

  constructor(sending: Sending, opening: unknown, terms: Terms, credit: number) {
    super(sending, opening, terms);
    this.#life = sending.ports.life;
    this.stream = new SentFlows(this.id, credit, terms.wholeDeadline, sending.ports.clock);
    this.inflow = new Inflow(credit, true, {
      owe: () => {
        this.stream.wake();
      },
      stray: throwApart,
      leave: () => {
        this.cancel('unsubscribed');
      },
      isWithin: () => this.isWithinWork,
      within: (tell) => {
        this.within(tell);
      },
    });
    this.stream.inflow = this.inflow;
  }

  override send(): void {
    super.send();
    this.stream.outflow?.begin();
  }

  override reply(): void {
    this.fail(misanswered);
  }

  override accept(): void {
    this.fail(misanswered);
  }

  override done(): void {
    if (!this.end('ok')) return;
    this.stream.progress?.complete();
    this.stream.close();
  }

  failItems(error: SkeinError): void {
    this.withdrawWith(error);
  }

  protected override withdrawWith(error: SkeinError): void {
    this.#isWithdrawn = true;
    super.withdrawWith(error);
  }

  /** What came before the other side's error is still to be had; its own sender wants no more. */
  protected override failed(error: SkeinError): void {
    if (this.#isWithdrawn || this.#life.state === 'closed') {
      this.stream.abort(error);
      return;
    }
    this.stream.fail(error);
  }
}

/** Whether an error is told behind the items that came before it; not where this side gave them up. */
const comesBehind = (error: unknown): boolean =>
  !(isSkeinError(error) && ['cancelled', 'deadline-exceeded', 'peer-silent', 'closed'].includes(error.code));

const misanswered = new SkeinError('protocol-error', { reason: 'a stream was answered as a call is' }, { ran: 'unknown' });

interface Opening {
  readonly source: unknown;
  readonly terms: Terms;
  readonly options: ChannelOptions | undefined;
  readonly onSent: (request: ItemsRequest) => void;
}

/** A method that gives a stream, as a client calls it: what all its requests have in common. */
export class Streamer {
  readonly #sending: Sending;
  readonly #method: Pick<Method, 'output' | 'errors'>;
  readonly #validatesOutput: boolean;

  constructor(sending: Sending, method: Pick<Method, 'output' | 'errors'>, validatesOutput: boolean) {
    this.#sending = sending;
    this.#method = method;
    this.#validatesOutput = validatesOutput;
  }

  /** Each subscription opens one stream with that opening, to which the source's items go where there is one. */
  stream(opening: unknown, source: unknown, options: ChannelOptions | undefined): Stream<unknown> {
    const produce: Produce<unknown> = (credit$) =>
      new Observable((subscriber) => {
        this.#open(opening, source, options, credit$, subscriber);
      });
    return fromDemand(produce);
  }

  #open(
    opening: unknown,
    source: unknown,
    options: ChannelOptions | undefined,
    credit$: Observable<number>,
    subscriber: Subscriber<unknown>,
  ): void {
    let terms: Terms;
    try {
      terms = agree(this.#sending, options);
    } catch (thrown) {
      this.#unsent(thrown).subscribe(subscriber);
      return;
    }
    const { ports } = this.#sending;
    const wholeMs = terms.wholeDeadline - ports.clock.now();
    let sent: ItemsRequest | undefined;
    const onSent = (request: ItemsRequest): void => {
      sent = request;
    };
    const send = (handed: unknown, renewed: Terms, asked$: Observable<number>): Observable<unknown> =>
      new Observable((taker) => this.#send(handed, { source, terms: renewed, options, onSent }, asked$, taker));
    const produce: Produce<unknown> =
      ports.interceptors.client.length > 0
        ? passDemand(
            (asked$) => passThrough(this.#sending, terms, opening, (handed, renewed) => send(handed, renewed, asked$), streamOf),
            comesBehind,
          )
        : (asked$) => send(opening, terms, asked$);
    this.#checked(fromDemand(produce), options)[demand](credit$).subscribe(subscriber);
    if (subscriber.closed) return;
    subscriber.add(
      onGivenUp(terms, wholeMs, ports, (error) => {
        // A request that is under way sees to it by itself.
        if (!sent || sent.isSettled) subscriber.error(error);
      }),
    );
  }

  #checked(stream: Stream<unknown>, options: ChannelOptions | undefined): Stream<unknown> {
    if (!(options?.validateOutput ?? this.#validatesOutput)) return stream;
    const { ports } = this.#sending;
    return stream.pipe(step((item: unknown) => checkOutput(this.#method.output, item, ports), comesBehind));
  }

  #send(
    opening: unknown,
    { source, terms, options, onSent }: Opening,
    credit$: Observable<number>,
    subscriber: Subscriber<unknown>,
  ): void {
    let request: ItemsRequest;
    try {
      request = new ItemsRequest(this.#sending, opening, terms, options?.credit ?? limits.streamCredit);
      if (source !== undefined) feed(request, source, options?.progress, this.#sending.ports);
    } catch (thrown) {
      this.#unsent(thrown).subscribe(subscriber);
      return;
    }
    const { errors } = this.#method;
    const { ports } = this.#sending;
    const sink: Sink = errors.length > 0 ? tellDeclared(subscriber, errors, leftOfStream(terms, ports), ports) : subscriber;
    onSent(request);
    request.send();
    subscriber.add(request.inflow.items(credit$).subscribe(sink));
  }

  #unsent(thrown: unknown): Observable<never> {
    return new Observable((subscriber) => {
      const error = asUnsent(thrown);
      this.#sending.ports.meter.counter(`requests.${error.code}`).total += 1;
      subscriber.error(error);
    });
  }
}
