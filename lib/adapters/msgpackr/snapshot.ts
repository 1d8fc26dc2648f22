import { limits } from '../../core/limits.js';

/**
 * A payload as it is at this instant, so that its owner may go on changing what it has sent. Only a payload that is nothing but bytes,
 * and so many that they travel as a frame of their own, is not copied. It was measured before, and is neither too deep nor a cycle.
 */
export const snapshot = (payload: unknown): unknown =>
  payload instanceof Uint8Array && payload.byteLength >= limits.framedBytesMin ? payload : copy(payload);

const copy = (value: unknown): unknown => (typeof value === 'object' && value !== null ? copyOf(value) : value);

const copyOf = (value: object): unknown => {
  if (Array.isArray(value)) return Array.from(value, copy);
  if (value.constructor === Object) return copyFields(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof Date) return new Date(value);
  return hasJson(value) ? copy(value.toJSON()) : copyFields(value);
};

/** Whether it says itself what stands for it. */
export const hasJson = (value: object): value is { toJSON(): unknown } => 'toJSON' in value && typeof value.toJSON === 'function';

const copyFields = (value: object): object => {
  const fields = { ...value } as Record<string, unknown>;
  for (const field in fields) {
    const own = fields[field];
    if (typeof own === 'object' && own !== null) fields[field] = copyOf(own);
  }
  return fields;
};
