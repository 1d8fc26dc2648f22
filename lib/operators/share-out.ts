import { type Outlet, watchAll } from './outlet.js';

/** Two outlets as one: what waits at the first leaves first, but for a quarter of each batch that is kept for the second while it has something. */
export const shareOut = <T>(first: Outlet<T>, second: Outlet<T>): Outlet<T> => ({
  get hasReady() {
    return first.hasReady || second.hasReady;
  },
  watch: (tell) => watchAll([first, second], tell),
  fill: (batch, max) => {
    first.fill(batch, second.hasReady ? max - (max >> 2) : max);
    second.fill(batch, max);
  },
});
