import { filter, map, merge, type Observable, tap } from 'rxjs';
import type { Outlet } from './outlet.js';

/** Lets one value out per credit, in order; what has no credit yet stays where it is. Starts with none. */
export const gateByCredit = <T>(outlet: Outlet<T>, credit$: Observable<number>): Outlet<T> => {
  let credit = 0;
  const granted$ = credit$.pipe(
    filter((count) => count > 0),
    tap((count) => (credit += count)),
    map(() => undefined),
  );
  return {
    get hasReady() {
      return credit > 0 && outlet.hasReady;
    },
    ready$: merge(granted$, outlet.ready$).pipe(filter(() => credit > 0 && outlet.hasReady)),
    fill(batch, max) {
      const before = batch.length;
      outlet.fill(batch, Math.min(max, before + credit));
      credit -= batch.length - before;
    },
  };
};
