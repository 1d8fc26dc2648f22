import { setMaxListeners } from 'node:events';
import type { Subscription } from 'rxjs';
import { backoffMs } from '../core/backoff.js';
import type { Context } from '../core/context.js';
import type { Meta } from '../core/envelope.js';
import { type ErrorCode, invalidArgument, isSkeinError, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { snapshot } from '../core/snapshot.js';
import { type Balance, Outgoing, type Operation } from '../ports/transport.js';
import type { ErrorClass } from './declared-error.js';
import { type CallOptions, checkCallOptions } from './options.js';
import type { RpcPorts } from './rpc-ports.js';
import type { Work } from './work.js';

/** A method as a client sends it, and what its requests have in common. */
export interface Sending {
  readonly operation: Operation;
  readonly pinned: string | undefined;
  readonly balance: Balance;
  readonly timeoutMs: number;
  /** Whether a request whose outcome is unknown may be repeated. */
  readonly isIdempotent: boolean;
  /** The errors that the method is expected to fail with. */
  readonly errors: readonly ErrorClass[];
  /** Makes the error of a method that lies above its client's version cap. */
  readonly aboveCap: (() => SkeinError) | undefined;
  /** What the client adds to each request's own options. */
  readonly defaults: CallOptions;
  readonly ports: RpcPorts;
}

/** When a request must be over, and what it takes along: from its own options, its client's, and the work that it is part of. */
export interface Terms {
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly meta: Meta | undefined;
  /** How often it may be repeated. */
  readonly retries: number;
  readonly work: Work | undefined;
  readonly signal: AbortSignal | undefined;
  readonly key: string | undefined;
}

/** What keeps a request from being sent: a SkeinError itself, or what its input threw as it was looked at. */
export const asUnsent = (error: unknown): SkeinError =>
  isSkeinError(error)
    ? error
    : new SkeinError('invalid-argument', { issues: [{ message: 'the input cannot be read' }] }, { cause: error });

/** The terms of a request that is sent now. Throws what keeps it from being sent: bad options, no time left, already cancelled. */
export const agree = (sending: Sending, options: CallOptions | undefined, confirm?: 'done'): Terms => {
  const { ports, defaults } = sending;
  if (options !== undefined) checkCallOptions(options);
  if (sending.aboveCap) throw sending.aboveCap();
  const work = ports.ambient.get();
  if (ports.life.state !== 'open' && (!work || ports.life.state === 'closed')) {
    const message = ports.life.state === 'draining' ? 'the node is draining, and starts nothing new' : 'the node is closed';
    throw new SkeinError('closed', { what: 'the node' }, { message });
  }
  const now = ports.clock.now();
  const timeoutMs = options?.timeoutMs ?? sending.timeoutMs;
  const latest = now + Math.min(timeoutMs, limits.timeoutMsMax);
  const deadline = Math.min(latest, options?.deadline ?? defaults.deadline ?? Infinity, work?.deadline ?? Infinity);
  if (deadline <= now) {
    throw new SkeinError('deadline-exceeded', { timeoutMs }, { ran: 'no', message: 'there was no time left to send it' });
  }
  const signal = options?.signal ?? defaults.signal;
  if (signal?.aborted === true) throw new SkeinError('cancelled', { reason: signal.reason }, { ran: 'no' });
  if (work?.cancelled) throw new SkeinError('cancelled', { reason: work.cancelled }, { ran: 'no' });
  const retries = options?.retries ?? defaults.retries ?? 0;
  const key = options?.key ?? defaults.key;
  return { deadline, timeoutMs, meta: metaOf(options, defaults, work, confirm), retries, work, signal, key };
};

const metaOf = (
  options: CallOptions | undefined,
  defaults: CallOptions,
  work: Work | undefined,
  confirm: 'done' | undefined,
): Meta | undefined => {
  const traceparent = options?.traceparent ?? defaults.traceparent ?? work?.traceparent;
  const own = options?.context ?? defaults.context;
  const inherited = work?.hasContext === true ? work.context : undefined;
  if (traceparent === undefined && own === undefined && inherited === undefined && confirm === undefined) return undefined;
  const context = own === undefined && inherited === undefined ? undefined : joinContexts(inherited, own);
  return { ...(context && { context }), ...(traceparent !== undefined && { traceparent }), ...(confirm && { confirm }) };
};

/** As they are now, and checked now: what was right by itself, or when its client was made, need not be so any more. */
const joinContexts = (inherited: Context | undefined, own: Context | undefined): Context => {
  const context = { ...inherited, ...own };
  checkCallOptions({ context });
  return context;
};

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
  readonly #timeoutMs: number;
  readonly #release: (() => void) | undefined;
  readonly #work: Work | undefined;
  #retries: number;
  #attempts: number;
  /** The error after which it may have been run. */
  #unsure: SkeinError | undefined;
  /** The wait before a repeat. */
  #pause: Subscription | undefined;

  constructor(sending: Sending, payload: unknown, terms: Terms, former?: Former) {
    if (sending.balance === 'hash' && terms.key === undefined && sending.pinned === undefined) throw keyless();
    const bytes = sending.ports.codec.measure(payload);
    super(former?.id ?? sending.ports.nextId(), snapshot(payload), bytes, terms.meta, terms.deadline);
    this.key = terms.key;
    this.#sending = sending;
    this.#timeoutMs = terms.timeoutMs;
    this.#work = terms.work;
    this.#retries = terms.retries;
    this.#attempts = former?.attempts ?? 0;
    this.#unsure = former?.unsure;
    // Whoever gets it is told that it may come again.
    if (sending.isIdempotent || terms.retries > 0) this.meta = { ...terms.meta, attempt: this.#attempts };
    this.#release = terms.work || terms.signal ? this.#obey(terms) : undefined;
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
    transport.send(this);
  }

  override expire(): void {
    const tooLate = new SkeinError('deadline-exceeded', { timeoutMs: this.#timeoutMs }, { ran: this.#ran });
    this.#withdraw(this.#unsure ? tooLate : (this.holder?.explain?.(this) ?? tooLate));
  }

  /** Its sender no longer wants it: it fails `cancelled`, and the server is told. */
  cancel(reason?: unknown): void {
    if (this.isSettled) return;
    this.#withdraw(new SkeinError('cancelled', { reason }, { ran: this.#ran }));
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
   * and what its sender does next is not part of that.
   */
  protected within(tell: () => void): void {
    const { ambient } = this.#sending.ports;
    ambient.run(this.#work, tell);
  }

  /** Told of its failure, after it has ended. */
  protected abstract failed(error: SkeinError): void;

  get #ran(): 'no' | 'unknown' {
    return this.wasSent || this.#unsure ? 'unknown' : 'no';
  }

  #finish(error: SkeinError): void {
    if (this.end(error.code)) this.failed(error);
  }

  #withdraw(error: SkeinError): void {
    const { holder } = this;
    this.#finish(error);
    holder?.withdraw(this, this.#sending.ports.clock.now());
  }

  /** Whether it is sent again after that error, behind a wait that it still has the time for. */
  #repeats(error: SkeinError): boolean {
    const { ports, isIdempotent } = this.#sending;
    if (this.#retries === 0 || ports.life.state === 'closed' || !mayRepeat(error)) return false;
    const isUnsure = error.ran === 'unknown';
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

/** Calls `stop` when the work is cancelled that a request is part of, or its signal aborts; gives back what takes that back. */
export const onWithdrawn = ({ work, signal }: Terms, stop: (reason: unknown) => void): (() => void) => {
  const abort = (): void => {
    stop(signal?.reason);
  };
  const leaveWork = work?.onCancel(stop);
  if (signal) {
    // One signal may well be that of many requests.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', abort, { once: true });
  }
  return () => {
    leaveWork?.();
    signal?.removeEventListener('abort', abort);
  };
};
