import { inspect } from 'node:util';
import type { Subscriber } from 'rxjs';
import type { Context } from '../core/context.js';
import { invalidArgument } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { isVersion, type Version } from '../core/version.js';
import type { Balance } from '../ports/transport.js';

export interface CallOptions {
  /** In ms; wins over client, method and node. 0 fails at once, without sending. */
  readonly timeoutMs?: number | undefined;
  /** Epoch ms by the node's clock; the earlier of the two counts. */
  readonly deadline?: number | undefined;
  /** Cancels the request, here and on the server. */
  readonly signal?: AbortSignal | undefined;
  /** Travels with the request, on into the calls that its handler makes. */
  readonly context?: Context | undefined;
  /** With the balance `hash`, equal keys go to the same server while it is there. */
  readonly key?: string | undefined;
  /** W3C trace context; by default that of the request that is being handled. */
  readonly traceparent?: string | undefined;
  /**
   * How often the request may be repeated, with the same id, where it did not start, or where its outcome is unknown and its method is
   * idempotent or the server that may have it can still say; default 0.
   */
  readonly retries?: number | undefined;
  /**
   * Fails with `peer-silent` once the server has given no proof for so many ms that its handler is at work: for long work whose
   * deadline is far. Proof costs a record each quarter of it. At least 20; default none.
   */
  readonly silenceMs?: number | undefined;
}

export interface UnaryOptions extends CallOptions {
  /** Runs the output's schema here too; default false. */
  readonly validateOutput?: boolean | undefined;
}

/** For a stream, `timeoutMs` bounds the opening, `silenceMs` the gaps in the server's proof from then on, and `deadline` the whole. */
export interface StreamOptions extends UnaryOptions {
  /** How much the producer may be ahead: items, of which each whole 8 KiB counts as one more; default 256, topped up in halves. */
  readonly credit?: number | undefined;
}

/** For a sink or a channel, which is opened like a stream. */
export interface SinkOptions extends UnaryOptions {
  /** Told how many items the server has consumed so far; a Subject will do. */
  readonly progress?: { next(consumed: number): void } | undefined;
}

/** What a channel is opened with. */
export interface ChannelOptions extends StreamOptions, SinkOptions {}

export interface CastOptions extends CallOptions {
  /** What the receipt waits for; by default what the contract says. */
  readonly confirm?: 'accepted' | 'done' | undefined;
}

export interface ClientOptions extends UnaryOptions {
  /** Default `default`. */
  readonly exchange?: string | undefined;
  /** Default `least-loaded`, of two servers taken by chance; `hash` needs a `key`. */
  readonly balance?: Balance | undefined;
  /**
   * Methods that are newer than this version (by their `since`) fail `version-cap`, before anything is sent; for as long as
   * servers of that version are still about. Default none.
   */
  readonly versionCap?: Version | undefined;
}

/** The client's options, with others in the place of those that they name. */
export const mergeClientOptions = (own: ClientOptions, others: ClientOptions): ClientOptions => ({
  timeoutMs: others.timeoutMs ?? own.timeoutMs,
  deadline: others.deadline ?? own.deadline,
  signal: others.signal ?? own.signal,
  context: others.context ?? own.context,
  key: others.key ?? own.key,
  traceparent: others.traceparent ?? own.traceparent,
  retries: others.retries ?? own.retries,
  silenceMs: others.silenceMs ?? own.silenceMs,
  validateOutput: others.validateOutput ?? own.validateOutput,
  exchange: others.exchange ?? own.exchange,
  balance: others.balance ?? own.balance,
  versionCap: others.versionCap ?? own.versionCap,
});

/** Throws one `invalid-argument` that says all that is wrong with a request's options. */
export const checkCallOptions = (options: CastOptions & UnaryOptions): void => {
  check('a request', options, forRequests);
};

/** The same for a request that opens a stream. */
export const checkStreamOptions = (options: ChannelOptions): void => {
  check('a stream', options, forStreams);
};

/** Throws one `invalid-argument` that says all that is wrong with a client's options. */
export const checkClientOptions = (options: ClientOptions): void => {
  check('a client', options, forClients);
};

/** What is wrong with a value, by the name of its option. */
type Checks = Readonly<Record<string, (value: unknown) => readonly string[]>>;

const check = (what: string, options: unknown, checks: Checks): void => {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument(`options of ${what} must be an object, and are ${show(options)}`);
  }
  const problems = Object.entries(options).flatMap(([name, value]: [string, unknown]) => {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!check) {
      return [
        `${what} has no option ${name}: there are ${Object.keys(checks)
          .filter((known) => checks[known] !== none)
          .join(', ')}`,
      ];
    }
    return value === undefined ? [] : check(value);
  });
  if (problems.length > 0) throw invalidArgument(...problems);
};

const unless = (isFine: boolean, problem: string, value: unknown): readonly string[] =>
  isFine ? [] : [`${problem}, and is ${show(value)}`];

const unlessCount = (name: string, min: number, max: number, value: unknown): readonly string[] => {
  const isFine = Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
  return unless(isFine, `${name} must be a whole number from ${String(min)} to ${String(max)}`, value);
};

const show = (value: unknown): string => {
  try {
    return inspect(value);
  } catch {
    return 'nothing that can be shown';
  }
};

/** A handler's context may be given as options, and has these besides. */
const none = (): readonly string[] => [];

const both = {
  id: none,
  peer: none,
  /** What a sink or a channel is opened with, which its schema checks at the server. */
  open: none,
  timeoutMs: (value: unknown) => unless(isTime(value), 'timeoutMs must be 0 or more', value),
  deadline: (value: unknown) => unless(isTime(value), 'deadline must be in epoch ms', value),
  signal: (value: unknown) => unless(value instanceof AbortSignal, 'signal must be an AbortSignal', value),
  context: (value: unknown) =>
    Object.prototype.toString.call(value) === '[object Object]'
      ? contextProblems(value as Readonly<Record<string, unknown>>)
      : unless(false, 'context must be an object of strings', value),
  key: (value: unknown) => unless(typeof value === 'string', 'key must be a string', value),
  traceparent: (value: unknown) =>
    unless(
      typeof value === 'string' && value.length <= limits.traceparentMax,
      `traceparent must be a string of at most ${String(limits.traceparentMax)} characters`,
      typeof value === 'string' ? value.length : value,
    ),
  retries: (value: unknown) => unlessCount('retries', 0, limits.retriesMax, value),
  silenceMs: (value: unknown) =>
    unless(
      typeof value === 'number' && value >= limits.silenceMinMs && value < Infinity,
      `silenceMs must be a number of at least ${String(limits.silenceMinMs)}`,
      value,
    ),
  validateOutput: (value: unknown) => unless(typeof value === 'boolean', 'validateOutput must be true or false', value),
} as const;

const forRequests: Checks = {
  ...both,
  confirm: (value: unknown) => unless(value === 'accepted' || value === 'done', 'confirm must be accepted or done', value),
};

const forStreams: Checks = {
  ...both,
  credit: (value: unknown) => unlessCount('credit', 1, limits.streamCreditMax, value),
  progress: (value: unknown) =>
    unless(
      typeof (value as Partial<Subscriber<number>> | null)?.next === 'function',
      'progress must be a Subject or { next(consumed) }',
      value,
    ),
};

const forClients: Checks = {
  ...both,
  exchange: (value: unknown) => unless(typeof value === 'string', 'exchange must be a string', value),
  balance: (value: unknown) =>
    unless(
      value === 'least-loaded' || value === 'round-robin' || value === 'hash',
      'balance must be least-loaded, round-robin or hash',
      value,
    ),
  versionCap: (value: unknown) =>
    unless(isVersion(value), 'versionCap must be a version: major, major.minor or major.minor.patch', value),
};

const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0;

const contextProblems = (context: Readonly<Record<string, unknown>>): readonly string[] => {
  const entries = Object.entries(context);
  const bytes = entries.reduce((sum, [key, value]) => sum + key.length + String(value).length, 0);
  return [
    ...(entries.every(([, value]) => typeof value === 'string') ? [] : ['context values must be strings']),
    ...(entries.length <= limits.contextMax ? [] : [`context has more than ${String(limits.contextMax)} entries`]),
    ...(bytes <= limits.contextBytesMax ? [] : [`context has more than ${String(limits.contextBytesMax)} characters`]),
  ];
};
