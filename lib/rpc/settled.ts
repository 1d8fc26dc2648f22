/** An outcome as a value. */
export type Settled<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };
