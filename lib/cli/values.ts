import { CommandError, exitCodes } from './exit.js';

/**
 * Values as JSON. What JSON lacks is written as an object of one key, which is read as the same again: `{ "$bytes": "BASE64" }`,
 * `{ "$date": "ISO 8601" }` and `{ "$bigint": "123" }` are read; of them only bytes are written so. Dates are written as ISO strings, and
 * bigints and numbers that JSON has not as strings, since most who read them want just that.
 */
export const readValue = (text: string): unknown => {
  try {
    return JSON.parse(text, revive) as unknown;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError({
      exitCode: exitCodes.usage,
      message: `the input is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      advice: `Write it in single quotes, as in '{"name":"Ada"}', or give - and pipe it in.`,
    });
  }
};

const revive = (_key: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  const [entry, ...more] = Object.entries(value);
  if (entry === undefined || more.length > 0 || typeof entry[1] !== 'string') return value;
  const [kind, text] = entry as [string, string];
  switch (kind) {
    case '$bytes':
      return new Uint8Array(checked(kind, text, base64.test(text), Buffer.from(text, 'base64')));
    case '$date': {
      const date = new Date(text);
      return checked(kind, text, !Number.isNaN(date.getTime()), date);
    }
    case '$bigint':
      return BigInt(checked(kind, text, /^-?\d+$/.test(text), text));
    default:
      return value;
  }
};

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

const checked = <T>(kind: string, text: string, isFine: boolean, value: T): T => {
  if (isFine) return value;
  throw new CommandError({ exitCode: exitCodes.usage, message: `"${text}" is no ${kind.slice(1)}, as "${kind}" asks for` });
};

/** In lines for people, or in one for machines. */
export const writeValue = (value: unknown, isCompact = false): string =>
  JSON.stringify(plain(value), undefined, isCompact ? undefined : 2);

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : value.toISOString();
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  // What is undefined is left out, as JSON does.
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(fields.map(([key, inner]) => [key, plain(inner)]));
};
