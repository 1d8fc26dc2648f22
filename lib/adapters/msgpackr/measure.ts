import { C1 } from 'msgpackr';
import { SkeinError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { hasJson } from './snapshot.js';

/**
 * At most how many bytes a payload takes as MessagePack. Throws `invalid-argument`, with the path, for what has no
 * representation there: functions, symbols, Sets, cycles and bigints beyond 64 bits; and `payload-too-large`.
 */
export const measure = (payload: unknown): number => {
  const bytes = weigh(payload, 0);
  checkBytes(bytes);
  return bytes;
};

const checkBytes = (bytes: number): void => {
  if (bytes > limits.payloadBytesMax) {
    throw new SkeinError('payload-too-large', { bytes, bytesMax: limits.payloadBytesMax });
  }
};

const weigh = (value: unknown, depth: number): number => {
  if (typeof value === 'object') return value === null ? 1 : weighObject(value, depth);
  if (typeof value === 'string') return 5 + weighString(value);
  if (typeof value === 'number') return 9;
  if (typeof value === 'boolean' || value === undefined) return 1;
  if (typeof value !== 'bigint') throw new Unsendable(`a ${typeof value} cannot be sent`);
  if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) return 9;
  throw new Unsendable('a bigint of more than 64 bits cannot be sent');
};

const weighString = (text: string): number => (text.length < 32 ? weighText(text) : Buffer.byteLength(text));

const weighText = (text: string): number => {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 127) bytes += 2;
  return bytes;
};

const weighObject = (value: object, depth: number): number => {
  if (depth >= limits.depthMax) throw new Unsendable(`nested deeper than ${String(limits.depthMax)}, or in a cycle`);
  if (Array.isArray(value)) return weighArray(value, depth);
  // Most are plain, and say so faster than their prototype is found.
  if (value.constructor === Object) return weighFields(value, depth);
  if (value instanceof Uint8Array) return 5 + value.byteLength;
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new Unsendable('an invalid Date cannot be sent');
    return 15;
  }
  if (hasJson(value)) return weigh(value.toJSON(), depth + 1);
  if (isExotic(value)) {
    throw new Unsendable(`a ${value.constructor.name} cannot be sent: turn it into an array or a plain object`);
  }
  return weighFields(value, depth);
};

const isExotic = (value: object): boolean =>
  // What msgpackr makes of the one byte that means nothing.
  value === C1 ||
  ArrayBuffer.isView(value) ||
  value instanceof ArrayBuffer ||
  value instanceof SharedArrayBuffer ||
  value instanceof Map ||
  value instanceof Set ||
  value instanceof WeakMap ||
  value instanceof WeakSet ||
  value instanceof Promise ||
  value instanceof Number ||
  value instanceof String ||
  value instanceof Boolean ||
  value instanceof RegExp ||
  value instanceof Error;

const weighArray = (array: readonly unknown[], depth: number): number => {
  // A hole takes a byte too: a list that is too long need not be walked to its end.
  checkBytes(array.length);
  let bytes = 5;
  let index = 0;
  try {
    for (; index < array.length; index += 1) bytes += weigh(array[index], depth + 1);
  } catch (error) {
    throw located(error, index);
  }
  return bytes;
};

const weighFields = (object: object, depth: number): number => {
  let bytes = 5;
  let field = '';
  try {
    for (field in object) {
      bytes += 5 + weighString(field) + weigh((object as Readonly<Record<string, unknown>>)[field], depth + 1);
    }
  } catch (error) {
    throw located(error, field);
  }
  return bytes;
};

/** Thrown while weighing; each level on the way out adds where it was. */
class Unsendable extends SkeinError<'invalid-argument'> {
  constructor(message: string, path: readonly PropertyKey[] = []) {
    super('invalid-argument', { issues: [{ message, path }] });
  }
}

const located = (error: unknown, step: PropertyKey): unknown => {
  const issue = error instanceof Unsendable ? error.details.issues[0] : undefined;
  return issue ? new Unsendable(issue.message, [step, ...((issue.path ?? []) as readonly PropertyKey[])]) : error;
};
