import { Declared, nameThenText, textOf } from './declared.js';
import type { ErrorRecord } from './envelope.js';
import { type ErrorCode, type ErrorDetails, isErrorCode, type Ran, SkeinError } from './errors.js';

/** How deep a chain of causes travels. */
const causesMax = 8;

/** A Skein error as it travels. */
export const writeError = ({ code, message, details }: SkeinError): ErrorRecord => ({
  code,
  message: message.replace(`[${code}] `, ''),
  details,
});

/** A handler's error as it travels, whatever it is; its stack only where `withStack` says so. Never throws. */
export const writeThrown = (thrown: unknown, withStack: boolean, depth = 0): ErrorRecord => {
  try {
    return writeAny(thrown, withStack, depth);
  } catch {
    // What is thrown may have no text, or accessors that throw in turn.
    return { code: 'remote-error', name: 'Error', message: 'something that cannot be told was thrown' };
  }
};

/** What was thrown, in words, whatever it is. Never throws. */
export const textOfThrown = (thrown: unknown): string => {
  const { name = 'Error', message } = writeThrown(thrown, false);
  return nameThenText(name, message);
};

const writeAny = (thrown: unknown, withStack: boolean, depth: number): ErrorRecord => {
  if (!(thrown instanceof Error)) return { code: 'remote-error', name: 'Error', message: String(thrown) };
  const { name, message, code, details, cause, stack } = thrown instanceof Declared ? plainly(thrown) : (thrown as AnyError);
  return {
    code: 'remote-error',
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : '',
    details: { code: typeof code === 'string' ? code : undefined, details },
    ...(cause !== undefined && depth < causesMax && { cause: writeThrown(cause, withStack, depth + 1) }),
    ...(withStack && typeof stack === 'string' && { stack }),
  };
};

type AnyError = Error & { readonly code?: unknown; readonly details?: unknown };

/** A declared error as a plain one of its name, with its data as details; so it travels like any other. */
const plainly = (error: Declared): AnyError => {
  const { name, data, cause, stack } = error;
  return { name, message: textOf(error), details: data, cause, ...(stack !== undefined && { stack }) };
};

/** The error that a record tells of; `ran` where more is known of that than its code says. A code that this version does not know is a `protocol-error` that names it, of unknown outcome. */
export const readError = (record: ErrorRecord, ran?: Ran): SkeinError => {
  const cause = record.cause && readError(record.cause);
  if (record.code === 'remote-error') return readThrown(record, cause);
  if (!isErrorCode(record.code)) {
    const reason = `the peer failed with an unknown code, ${record.code}: ${record.message}`;
    return new SkeinError('protocol-error', { reason }, { ran: 'unknown' });
  }
  return new SkeinError<ErrorCode>(record.code, asDetails(record.code, record), {
    message: record.message,
    cause,
    ...(ran && { ran }),
  });
};

const readThrown = ({ name = 'Error', message, details, stack }: ErrorRecord, cause: SkeinError | undefined): SkeinError => {
  const { code, details: more } = isFields(details) ? details : {};
  const error = new SkeinError(
    'remote-error',
    { name, code: typeof code === 'string' ? code : undefined, details: more },
    { message: nameThenText(name, message), cause },
  );
  if (stack !== undefined) error.stack = `${error.message}${serverStack}${stack}`;
  return error;
};

/** What stands before a server's stack. */
export const serverStack = '\n    on the server: ';

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** What the details of a code must have at the least, whoever sent them. */
const blank: { readonly [C in ErrorCode]?: ErrorDetails[C] } = {
  'invalid-argument': { issues: [] },
  'unsupported-version': { wanted: '', served: [] },
};

const asDetails = (code: ErrorCode, { details, message }: ErrorRecord): ErrorDetails[ErrorCode] => {
  const fields = { reason: message, ...blank[code], ...(isFields(details) ? details : {}) };
  return fields;
};
