import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../ports/clock.js';

/** Whose time it is that passes: that of the process whose work is done at present. */
export interface Doer {
  readonly clock: Clock;
}

const storage = new AsyncLocalStorage<Doer | undefined>();

/** None where the scenario itself is at work. */
export const currentDoer = (): Doer | undefined => storage.getStore();

/** Runs the work, and what it starts in turn, as that process', or as the scenario's own. */
export const runAs = (doer: Doer | undefined, work: () => void): void => {
  if (storage.getStore() === doer) work();
  else storage.run(doer, work);
};
