import type { Observable } from 'rxjs';
import type { Outlet } from './outlet.js';
import { throwApart } from './throw-apart.js';

/** Lets one value out per credit, in order; what has no credit yet stays where it is. Starts with none. */
export const gateByCredit = <T>(outlet: Outlet<T>, credit$: Observable<number>): Outlet<T> => {
  let credit = 0;
  return {
    get hasReady() {
      return credit > 0 && outlet.hasReady;
    },
    watch(tell) {
      const tellIfOpen = (): void => {
        if (credit > 0 && outlet.hasReady) tell();
      };
      const watching = outlet.watch(tellIfOpen);
      watching.add(
        credit$.subscribe({
          next: (count) => {
            if (count <= 0) return;
            credit += count;
            tellIfOpen();
          },
          error: throwApart,
        }),
      );
      return watching;
    },
    fill(batch, max) {
      const before = batch.length;
      outlet.fill(batch, Math.min(max, before + credit));
      credit -= batch.length - before;
    },
  };
};
