import { isDeepStrictEqual } from 'node:util';

/** By structure; or as a matcher of a test library says, which has `asymmetricMatch`. */
export const matches = (wanted: unknown, value: unknown): boolean =>
  isMatcher(wanted) ? wanted.asymmetricMatch(value) : isDeepStrictEqual(wanted, value);

/** A class stands for all its errors. */
export const matchesError = (wanted: unknown, error: unknown): boolean =>
  typeof wanted === 'function' ? error instanceof (wanted as new () => unknown) : matches(wanted, error);

const isMatcher = (value: unknown): value is { readonly asymmetricMatch: (value: unknown) => boolean } =>
  typeof (value as { readonly asymmetricMatch?: unknown } | null | undefined)?.asymmetricMatch === 'function';
