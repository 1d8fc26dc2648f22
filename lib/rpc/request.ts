import { setMaxListeners } from 'node:events';
import type { Context } from '../core/context.js';
import type { Meta } from '../core/envelope.js';
import { type ErrorCode, isSkeinError, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { snapshot } from '../core/snapshot.js';
import { type Balance, Outgoing, type Operation } from '../ports/transport.js';
import { type CallOptions, checkCallOptions } from './options.js';
import type { RpcPorts } from './rpc-ports.js';
import type { Work } from './work.js';

/** A method as a client sends it, and what its requests have in common. */
export interface Sending {
  readonly operation: Operation;
  readonly pinned: string | undefined;
  readonly balance: Balance;
  readonly timeoutMs: number;
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
  readonly work: Work | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What keeps a request from being sent: a SkeinError itself, or what its input threw as it was looked at. */
export const asUnsent = (error: unknown): SkeinError =>
  isSkeinError(error)
    ? error
    : new SkeinError('invalid-argument', { issues: [{ message: 'the input cannot be read' }] }, { cause: error });

/** The terms of a request that is sent now. Throws what keeps it from being sent: bad options, no time left, already cancelled. */
export const agree = (sending: Sending, options: CallOptions | undefined, confirm?: 'done'): Terms => {
  const { ports, defaults } = sending;
  if (options) checkCallOptions(options);
  if (sending.aboveCap) throw sending.aboveCap();
  const work = ports.ambient.getStore();
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
  return { deadline, timeoutMs, meta: metaOf(options, defaults, work, confirm), work, signal };
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

/** A request of this node's, from its sending to its one end, which is counted. */
export abstract class Request extends Outgoing {
  readonly #sending: Sending;
  readonly #timeoutMs: number;
  readonly #release: (() => void) | undefined;

  /** Without an `id` it is a new request, and with one it repeats that one. */
  constructor(sending: Sending, payload: unknown, terms: Terms, id = sending.ports.nextId()) {
    const bytes = sending.ports.codec.measure(payload);
    super(id, snapshot(payload), bytes, terms.meta, terms.deadline);
    this.#sending = sending;
    this.#timeoutMs = terms.timeoutMs;
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

  /** Puts it on its way. */
  send(): void {
    const { transport, wheel } = this.#sending.ports;
    wheel.add(this);
    transport.send(this);
  }

  override expire(): void {
    const ran = this.wasSent ? 'unknown' : 'no';
    const tooLate = new SkeinError('deadline-exceeded', { timeoutMs: this.#timeoutMs }, { ran });
    this.#withdraw(this.holder?.explain?.(this) ?? tooLate);
  }

  /** Its sender no longer wants it: it fails `cancelled`, and the server is told. */
  cancel(reason?: unknown): void {
    if (this.isSettled) return;
    this.#withdraw(new SkeinError('cancelled', { reason }, { ran: this.wasSent ? 'unknown' : 'no' }));
  }

  override fail(error: SkeinError): void {
    if (!this.end(error.code)) return;
    this.failed(error);
  }

  /** Ends it, unless it has ended; `how` is its code, or `ok`. */
  protected end(how: 'ok' | ErrorCode): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.payload = undefined;
    const { wheel, meter } = this.#sending.ports;
    wheel.remove(this);
    this.#release?.();
    meter.counter(how === 'ok' ? 'requests.ok' : `requests.${how}`).total += 1;
    return true;
  }

  /** Told of its failure, after it has ended. */
  protected abstract failed(error: SkeinError): void;

  #withdraw(error: SkeinError): void {
    const { holder } = this;
    this.fail(error);
    holder?.withdraw(this, this.#sending.ports.clock.now());
  }

  /** Ends with the work that it is part of, and with its signal. */
  #obey(terms: Terms): () => void {
    return onWithdrawn(terms, (reason) => {
      this.cancel(reason);
    });
  }
}

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
