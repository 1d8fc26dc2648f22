import { type Envelope, type ErrorRecord, Kind, type Meta, protocolMajor, type Resumption } from '../../core/envelope.js';
import { SkeinError } from '../../core/errors.js';
import { measure } from './measure.js';

/** What a stranger wrote and cannot be read. */
export const malformed = (reason: string, cause?: unknown): SkeinError<'protocol-error'> =>
  new SkeinError('protocol-error', { reason }, { cause });

type Fields = Readonly<Record<string, unknown>>;

const asRecord = (value: unknown, what: string): Fields => {
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return value as Fields;
  }
  throw malformed(`${what} is not a map`);
};

export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && Number.isSafeInteger(value);

/** A whole number, in whichever of its forms the other side's MessagePack wrote it: 64-bit integers are read as bigints. */
export const countOf = (value: unknown, what: string): number => {
  const count = typeof value === 'bigint' ? Number(value) : value;
  if (isCount(count)) return count;
  throw malformed(`${what} is not a whole number`);
};

/** What measures is plain: extensions that MessagePack libraries also know do not, nor does what is nested too deep. */
export const plain = (value: unknown): unknown => {
  try {
    measure(value);
    return value;
  } catch (cause) {
    throw malformed('a value that is not plain MessagePack', cause);
  }
};

export const textOf = (value: unknown, what: string): string => {
  if (typeof value === 'string') return value;
  throw malformed(`${what} is not a string`);
};

export const readHello = (value: unknown): Envelope => {
  const fields = asRecord(value, 'a greeting');
  const link = fields.link === undefined ? undefined : countOf(fields.link, 'the link of a hello');
  return { kind: Kind.hello, ...readGreeting(fields), link };
};

export const readWelcome = (value: unknown): Envelope => {
  const fields = asRecord(value, 'a greeting');
  const credit = countOf(fields.credit, 'the credit of a welcome');
  const resumption = fields.resumption === undefined ? undefined : readResumption(fields.resumption);
  return { kind: Kind.welcome, ...readGreeting(fields), credit, resumption };
};

const readResumption = (value: unknown): Resumption => {
  const { casts, id, refused } = asRecord(value, 'a resumption');
  if (!Array.isArray(refused)) throw malformed('the refused casts of a resumption are not an array');
  return {
    casts: countOf(casts, 'the casts of a resumption'),
    id: countOf(id, 'the id of a resumption'),
    refused: refused.map((one) => countOf(one, 'a refused cast')),
  };
};

const readGreeting = (fields: Fields) => {
  const features = fields.features ?? [];
  if (!Array.isArray(features)) throw malformed('the features of a greeting are not an array');
  return {
    major: protocolMajor,
    node: textOf(fields.node, 'the node of a greeting'),
    incarnation: textOf(fields.incarnation, 'the incarnation of a greeting'),
    features: features.filter((feature) => typeof feature === 'string'),
    heartbeatMs: countOf(fields.heartbeatMs, 'the heartbeat of a greeting'),
  };
};

export const readMethod = (value: unknown) => {
  const fields = asRecord(value, 'a method');
  return {
    exchange: textOf(fields.exchange, 'the exchange of a method'),
    topic: textOf(fields.topic, 'the topic of a method'),
    server: textOf(fields.server, 'the server of a method'),
    namespace: textOf(fields.namespace, 'the namespace of a method'),
    version: textOf(fields.version, 'the version of a method'),
    method: textOf(fields.method, 'the name of a method'),
  };
};

export const readMeta = (value: unknown): Meta => {
  const { context, traceparent, confirm, attempt, silenceMs } = asRecord(value, 'the meta of a request');
  return {
    context: context === undefined ? undefined : readContext(context),
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
    confirm: confirm === 'done' ? confirm : undefined,
    attempt: attempt === undefined ? undefined : countOf(attempt, 'the attempt of a request'),
    silenceMs: silenceMs === undefined ? undefined : countOf(silenceMs, 'the silence of a request'),
  };
};

const readContext = (value: unknown): Readonly<Record<string, string>> => {
  const entries = Object.entries(asRecord(value, 'the context of a request'));
  return Object.fromEntries(entries.map(([key, text]) => [key, textOf(text, 'a context entry')]));
};

export const readError = (value: unknown): ErrorRecord => {
  const { code, message, details, name, cause, stack } = asRecord(value, 'an error');
  return {
    code: textOf(code, 'the code of an error'),
    message: textOf(message, 'the message of an error'),
    details,
    name: typeof name === 'string' ? name : undefined,
    cause: cause === undefined || cause === null ? undefined : readError(cause),
    stack: typeof stack === 'string' ? stack : undefined,
  };
};
