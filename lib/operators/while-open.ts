import { type MonoTypeOperatorFunction, takeWhile } from 'rxjs';

/** Ends a stream that goes on emitting once that is closed: for what emits without end before its subscription could be kept. */
export const whileOpen = <T>(that: { readonly closed: boolean }): MonoTypeOperatorFunction<T> => takeWhile(() => !that.closed);
