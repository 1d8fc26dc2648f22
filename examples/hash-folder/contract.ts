import { bytes, call, contract, typed } from 'skein';

/** What a worker found out about a file. One that cannot be read is an answer too, not a failure of the worker. */
export type Hashed = { readonly sha256: string; readonly bytes: number; readonly worker: string } | { readonly problem: string };

export const Hasher = contract('hasher', '1.0', {
  /** The input is an absolute path, in bytes, because file names need not be text. A large file may well take its time. */
  hash: call({ input: bytes(), output: typed<Hashed>(), idempotent: true, timeoutMs: 3_600_000 }),
});
