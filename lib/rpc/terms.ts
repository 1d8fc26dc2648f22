import { setMaxListeners } from 'node:events';
import type { Context } from '../core/context.js';
import type { Meta } from '../core/envelope.js';
import { isSkeinError, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Balance, Operation } from '../ports/transport.js';
import type { ErrorClass } from './declared-error.js';
import { type CallOptions, checkCallOptions, checkStreamOptions } from './options.js';
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
  /** Whether its requests open streams. */
  readonly isStream: boolean;
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
  /** When it must be over whatever its timeout, which of a stream bounds the opening alone; Infinity where nothing says so. */
  readonly wholeDeadline: number;
  readonly timeoutMs: number;
  readonly meta: Meta | undefined;
  /** How often it may be repeated. */
  readonly retries: number;
  readonly work: Work | undefined;
  readonly signal: AbortSignal | undefined;
  readonly key: string | undefined;
  readonly silenceMs: number | undefined;
  /** Told once a stream is open. */
  readonly onOpen?: (() => void) | undefined;
}

/** What keeps a request from being sent: a SkeinError itself, or what its input threw as it was looked at. */
export const asUnsent = (error: unknown): SkeinError =>
  isSkeinError(error)
    ? error
    : new SkeinError('invalid-argument', { issues: [{ message: 'the input cannot be read' }] }, { cause: error });

/** The terms of a request that is sent now. Throws what keeps it from being sent: bad options, no time left, already cancelled. */
export const agree = (sending: Sending, options: CallOptions | undefined, confirm?: 'done'): Terms => {
  const { ports, defaults } = sending;
  if (options !== undefined) (sending.isStream ? checkStreamOptions : checkCallOptions)(options);
  if (sending.aboveCap) throw sending.aboveCap();
  const work = ports.ambient.get();
  if (ports.life.state !== 'open' && (!work || ports.life.state === 'closed')) {
    const message = ports.life.state === 'draining' ? 'the node is draining, and starts nothing new' : 'the node is closed';
    throw new SkeinError('closed', { what: 'the node' }, { message });
  }
  const now = ports.clock.now();
  const timeoutMs = options?.timeoutMs ?? sending.timeoutMs;
  const latest = now + Math.min(timeoutMs, limits.timeoutMsMax);
  const wholeDeadline = Math.min(options?.deadline ?? defaults.deadline ?? Infinity, work?.deadline ?? Infinity);
  const deadline = Math.min(latest, wholeDeadline);
  if (deadline <= now) {
    throw new SkeinError('deadline-exceeded', { timeoutMs }, { ran: 'no', message: 'there was no time left to send it' });
  }
  const signal = options?.signal ?? defaults.signal;
  if (signal?.aborted === true) throw new SkeinError('cancelled', { reason: signal.reason }, { ran: 'no' });
  if (work?.cancelled) throw new SkeinError('cancelled', { reason: work.cancelled }, { ran: 'no' });
  const retries = options?.retries ?? defaults.retries ?? 0;
  const key = options?.key ?? defaults.key;
  const silenceMs = options?.silenceMs ?? defaults.silenceMs;
  const meta = metaOf(options, defaults, work, confirm);
  return {
    deadline,
    wholeDeadline,
    timeoutMs: Math.min(timeoutMs, deadline - now),
    meta: silenceMs === undefined ? meta : { ...meta, silenceMs },
    retries,
    work,
    signal,
    key,
    silenceMs,
  };
};

/** How long what comes of a stream may take here to be read: as long as its opening, but not beyond its own end. */
export const leftOfStream =
  ({ wholeDeadline, timeoutMs }: Terms, { clock }: Pick<RpcPorts, 'clock'>) =>
  (): number =>
    Math.min(timeoutMs, wholeDeadline - clock.now());

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
