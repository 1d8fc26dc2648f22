import { type Outlet, watchAll } from './outlet.js';

/** Several outlets as one: what waits at an earlier one leaves first. */
export const oneAfterAnother = <T>(...outlets: readonly Outlet<T>[]): Outlet<T> => ({
  get hasReady() {
    return outlets.some(({ hasReady }) => hasReady);
  },
  watch: (tell) => watchAll(outlets, tell),
  fill: (batch, max) => {
    for (const outlet of outlets) outlet.fill(batch, max);
  },
});
