import type { Observable } from 'rxjs';
import type { Outlet } from './outlet.js';
import { throwApart } from './throw-apart.js';

/** Lets nothing out while `isHeld` says so; whoever lets it out again tells by `resumed$`. */
export const holdBack = <T>(outlet: Outlet<T>, isHeld: () => boolean, resumed$: Observable<void>): Outlet<T> => {
  const hasReady = (): boolean => outlet.hasReady && !isHeld();
  return {
    get hasReady() {
      return hasReady();
    },
    watch: (tell) => {
      const watching = outlet.watch(tell);
      watching.add(resumed$.subscribe({ next: tell, error: throwApart }));
      return watching;
    },
    fill: (batch, max) => {
      if (hasReady()) outlet.fill(batch, max);
    },
  };
};
