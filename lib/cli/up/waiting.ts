import type { Clock } from '../../node/system.js';

export const sleep = (ms: number, clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    clock.schedule(() => {
      resolve();
    }, ms);
  });

/** Resolves with the promise, or after so long; no timer is left behind. Rejects as the promise does. */
export const within = (promise: Promise<unknown>, ms: number, clock: Clock): Promise<void> =>
  new Promise((resolve, reject) => {
    const late = clock.schedule(() => {
      resolve();
    }, ms);
    promise
      .then(() => {
        resolve();
      }, reject)
      .finally(() => {
        late.unsubscribe();
      });
  });
