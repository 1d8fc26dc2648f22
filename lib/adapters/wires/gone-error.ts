import { SkeinError } from '../../core/errors.js';

export const goneError = (peer: string, cause?: unknown): SkeinError<'undeliverable'> =>
  new SkeinError('undeliverable', { reason: `the wire to ${peer} is gone` }, cause === undefined ? undefined : { cause });
