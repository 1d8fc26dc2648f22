import { merge } from 'rxjs';
import type { Outlet } from './outlet.js';

/** Several outlets as one: what waits at an earlier one leaves first. */
export const oneAfterAnother = <T>(...outlets: readonly Outlet<T>[]): Outlet<T> => ({
  get hasReady() {
    return outlets.some(({ hasReady }) => hasReady);
  },
  ready$: merge(...outlets.map(({ ready$ }) => ready$)),
  fill: (batch, max) => {
    for (const outlet of outlets) outlet.fill(batch, max);
  },
});
