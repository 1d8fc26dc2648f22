import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is in use once all that is garbage is gone. */
export const heapBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

/** A scenario's own clock is virtual; this one is not. */
export const wallMs = (): number => Number(process.hrtime.bigint()) / 1e6;
