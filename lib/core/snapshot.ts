import { limits } from './limits.js';

/**
 * A payload as it is at this instant, so that its owner may go on changing what it has sent. Only bytes that travel as a frame of
 * their own are not copied. The payload was measured before, so that it is neither too deep nor a cycle.
 */
export const snapshot = (value: unknown): unknown => (typeof value === 'object' && value !== null ? copyOf(value) : value);

const copyOf = (value: object): unknown => {
  if (Array.isArray(value)) return Array.from(value, snapshot);
  if (value.constructor === Object) return copyFields(value);
  if (value instanceof Uint8Array) return value.byteLength < limits.framedBytesMin ? new Uint8Array(value) : value;
  if (value instanceof Date) return new Date(value);
  return hasJson(value) ? snapshot(value.toJSON()) : copyFields(value);
};

/** Whether it says itself what stands for it. */
export const hasJson = (value: object): value is { toJSON(): unknown } => 'toJSON' in value && typeof value.toJSON === 'function';

const copyFields = (value: object): object => {
  const copy = { ...value } as Record<string, unknown>;
  for (const field in copy) {
    const own = copy[field];
    if (typeof own === 'object' && own !== null) copy[field] = copyOf(own);
  }
  return copy;
};
