import { bytes, call, contract, typed } from 'skein';

/** A square picture in shades of grey, a byte a dot. */
export interface Picture {
  readonly number: number;
  readonly dots: Uint8Array;
}

export const Thumbnailer = contract('thumbnailer', '1.0', {
  /** Gives the dots of an eighth of the size. Shrinking twice does no harm, so that it may be asked again whatever became of it. */
  shrink: call({ input: typed<Picture>(), output: bytes(), idempotent: true }),
});
