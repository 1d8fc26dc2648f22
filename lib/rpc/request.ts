import type { Subscription } from 'rxjs';
import { backoffMs } from '../core/backoff.js';
import { type ErrorCode, invalidArgument, isSkeinError, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { throwApart } from '../operators/throw-apart.js';
import { type Balance, Outgoing, type Operation } from '../ports/transport.js';
import type { RpcPorts } from './rpc-ports.js';
import { SilenceWatch } from './silence-watch.js';
import { onWithdrawn, type Sending, type Terms } from './terms.js';
import type { Work } from './work.js';

const keyless = (): SkeinError =>
  invalidArgument('the balance hash chooses a server by a key: give the request, or its client, the option key');

/** The request that another one repeats. */
export interface Former {
  readonly id: number;
  /** How often it has been sent. */
  readonly attempts: number;
  /** The error after which it may have been run. */
  readonly unsure: SkeinError | undefined;
}

/** A request of this node's, from its sending to its one end, which is counted. */
export abstract class Request extends Outgoing {
  override readonly key: string | undefined;
  readonly #sending: Sending;
  /** How long it may take from its sending on; of a stream that is open, the whole of it. */
  #timeoutMs: number;
  readonly #wholeDeadline: number;
  readonly #silence: SilenceWatch | undefined;
  readonly #release: (() => void) | undefined;
  readonly #work: Work | undefined;
  #isOpen = false;
  readonly #onOpen: (() => void) | undefined;
  #retries: number;
  #attempts: number;
  /** The error after which it may have been run. */
  #unsure: SkeinError | undefined;
  /** The wait before a repeat. */
  #pause: Subscription | undefined;

  /** A payload that was kept before, for more requests than this one, was measured then to weigh `keptBytes`. */
  constructor(sending: Sending, payload: unknown, terms: Terms, former?: Former, keptBytes?: number) {
    if (sending.balance === 'hash' && terms.key === undefined && sending.pinned === undefined) throw keyless();
    const { codec } = sending.ports;
    const bytes = keptBytes ?? codec.measure(payload);
    const kept = keptBytes === undefined ? codec.keep(payload) : payload;
    super(former?.id ?? sending.ports.nextId(), kept, bytes, terms.meta, terms.deadline);
    this.key = terms.key;
    this.#sending = sending;
    this.#timeoutMs = terms.timeoutMs;
    this.#wholeDeadline = terms.wholeDeadline;
    this.#work = terms.work;
    this.#onOpen = terms.onOpen;
    this.#retries = terms.retries;
    this.#attempts = former?.attempts ?? 0;
    this.#unsure = former?.unsure;
    // Whoever gets it is told that it may come again.
    if (!sending.isStream && (sending.isIdempotent || terms.retries > 0)) this.meta = { ...terms.meta, attempt: this.#attempts };
    this.#release = terms.work || terms.signal ? this.#obey(terms) : undefined;
    if (terms.silenceMs !== undefined) this.#silence = new SilenceWatch(this, terms.silenceMs, sending.ports.clock);
  }

  override get operation(): Operation {
    return this.#sending.operation;
  }

  override get pinned(): string | undefined {
    return this.#sending.pinned;
  }

  override get balance(): Balance {
    return this.#sending.balance;
  }

  /** An error that its contract declares says nothing against the server. */
  override expects(error: SkeinError): boolean {
    return isSkeinError(error, 'remote-error') && this.#sending.errors.some(({ errorName }) => errorName === error.details.name);
  }

  /** How often it has been sent. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Puts it on its way. */
  send(): void {
    const { transport, wheel } = this.#sending.ports;
    this.#attempts += 1;
    wheel.add(this);
    if (!this.#sending.isStream) this.#silence?.begin();
    transport.send(this);
  }

  /** Its server is at work on it; a stream is open from then on, and bound by its silence in place of the time for its opening. */
  override working(): void {
    this.#silence?.heard();
    if (!this.#sending.isStream || this.isSettled || this.#isOpen) return;
    this.#isOpen = true;
    this.#onOpen?.();
    this.#silence?.begin();
    const { wheel, clock } = this.#sending.ports;
    wheel.remove(this);
    const sentAt = this.deadline - this.#timeoutMs;
    this.deadline = Math.min(this.#wholeDeadline, clock.now() + limits.timeoutMsMax);
    this.#timeoutMs = this.deadline - sentAt;
    wheel.add(this);
  }

  /** Its server gives no proof that it is at work. */
  fallSilent(silenceMs: number): void {
    this.withdrawWith(new SkeinError('peer-silent', { silenceMs }, { ran: this.#ran }));
  }

  override expire(): void {
    const tooLate = new SkeinError('deadline-exceeded', { timeoutMs: this.#timeoutMs }, { ran: this.#ran });
    this.withdrawWith(this.#unsure ? tooLate : (this.holder?.explain?.(this) ?? tooLate));
  }

  /** Its sender no longer wants it: it fails `cancelled`, and the server is told. */
  cancel(reason?: unknown): void {
    if (this.isSettled) return;
    this.withdrawWith(new SkeinError('cancelled', { reason }, { ran: this.#ran }));
  }

  /** It fails, unless it is repeated. What an earlier attempt left unknown, a later one that was not started does not make known. */
  override fail(error: SkeinError): void {
    if (this.isSettled || this.#repeats(error)) return;
    this.#finish(error.ran === 'no' && this.#unsure ? this.#unsure : error);
  }

  /** Ends it, unless it has ended; `how` is its code, or `ok`. */
  protected end(how: 'ok' | ErrorCode): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.payload = undefined;
    const { wheel, meter } = this.#sending.ports;
    wheel.remove(this);
    this.#pause?.unsubscribe();
    this.#silence?.end();
    this.#release?.();
    meter.counter(how === 'ok' ? 'requests.ok' : `requests.${how}`).total += 1;
    return true;
  }

  /** Whether the present code runs for the work that the request is part of. */
  protected get isWithinWork(): boolean {
    return this.#sending.ports.ambient.get() === this.#work;
  }

  /**
   * Tells its sender within the work that it is part of, or outside of any: an answer is heard in whichever context its link was dialled,
   * and what its sender does next is not part of that. What is thrown by that, as by a teardown, is nothing to the link.
   */
  within(tell: () => void): void {
    try {
      if (this.isWithinWork) tell();
      else this.#sending.ports.ambient.run(this.#work, tell);
    } catch (error) {
      throwApart(error);
    }
  }

  /** Told of its failure, after it has ended. */
  protected abstract failed(error: SkeinError): void;

  get #ran(): 'no' | 'unknown' {
    return this.wasSent || this.#unsure ? 'unknown' : 'no';
  }

  #finish(error: SkeinError): void {
    if (this.end(error.code)) this.failed(error);
  }

  /** It fails by its sender's side, and the server is told. */
  protected withdrawWith(error: SkeinError): void {
    const { holder } = this;
    this.#finish(error);
    holder?.withdraw(this, this.#sending.ports.clock.now());
  }

  /** Whether it is sent again after that error, behind a wait that it still has the time for. */
  #repeats(error: SkeinError): boolean {
    const { ports, isIdempotent } = this.#sending;
    if (this.#retries === 0 || ports.life.state === 'closed' || !mayRepeat(error)) return false;
    const isUnsure = error.ran === 'unknown';
    // What has come of a stream cannot be taken back.
    if (isUnsure && this.#sending.isStream) return false;
    // Only the process that may have it can tell whether it has.
    if (isUnsure && !isIdempotent && this.incarnation === '') return false;
    const waitMs = pauseMs(error, this.#attempts, ports);
    if (ports.clock.now() + waitMs >= this.deadline) return false;
    if (isUnsure) this.#unsure = error;
    if (isUnsure && !isIdempotent) this.boundTo = this.incarnation;
    this.#retries -= 1;
    this.holder = undefined;
    this.wasSent = false;
    this.moves = 0;
    ports.meter.counter('deliveries.repeated').total += 1;
    this.#pause = ports.clock.schedule(() => {
      this.meta = { ...this.meta, attempt: this.#attempts };
      this.#attempts += 1;
      ports.transport.send(this);
    }, waitMs);
    return true;
  }

  /** Ends with the work that it is part of, and with its signal. */
  #obey(terms: Terms): () => void {
    return onWithdrawn(terms, (reason) => {
      this.cancel(reason);
    });
  }
}

/** What did not start may well start elsewhere or later, and what was lost on its way be asked for again. */
const mayRepeat = ({ code, ran }: SkeinError): boolean =>
  ran === 'no'
    ? code === 'overloaded' || code === 'no-server' || code === 'undeliverable' || code === 'closed'
    : code === 'link-lost' || code === 'peer-silent';

const pauseMs = (error: SkeinError, attempts: number, { random }: RpcPorts): number => {
  const waitMs = backoffMs(attempts - 1, limits.retry, random.next());
  return isSkeinError(error, 'overloaded') ? Math.max(waitMs, error.details.retryAfterMs ?? 0) : waitMs;
};
