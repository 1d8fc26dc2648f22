import { merge, type Observable } from 'rxjs';
import type { Outlet } from './outlet.js';

/** Lets nothing out while `isHeld` says so; whoever lets it out again tells by `resumed$`. */
export const holdBack = <T>(outlet: Outlet<T>, isHeld: () => boolean, resumed$: Observable<void>): Outlet<T> => {
  const hasReady = (): boolean => outlet.hasReady && !isHeld();
  return {
    get hasReady() {
      return hasReady();
    },
    ready$: merge(outlet.ready$, resumed$),
    fill: (batch, max) => {
      if (hasReady()) outlet.fill(batch, max);
    },
  };
};
