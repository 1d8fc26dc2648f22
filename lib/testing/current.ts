import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../ports/clock.js';

/** What users' code sees of time, and of chance. */
export interface Watch {
  readonly clock: Clock;
  /** Ms since the process started, which no one can set. */
  uptime(): number;
  /** From 0 up to 1: the chance that users' code has. */
  chance(): number;
}

/** How the work of one process is entered: at once, when it is resumed, or never. */
export type Enter = (work: () => void) => void;

/** Whose time it is that passes: that of the process whose work is done at present. */
export interface Doer extends Watch {
  readonly enter: Enter;
  /** Whether it has died in the midst of something. */
  readonly wasKilled: boolean;
}

const storage = new AsyncLocalStorage<Doer | undefined>();

/** None where the scenario itself is at work. */
export const currentDoer = (): Doer | undefined => storage.getStore();

/** Runs the work, and what it starts in turn, as that process', or as the scenario's own. */
export const runAs = (doer: Doer | undefined, work: () => void): void => {
  if (storage.getStore() === doer) work();
  else storage.run(doer, work);
};
