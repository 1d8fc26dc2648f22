import { SystemClock } from '../adapters/system/system-clock.js';
import { SystemRandom } from '../adapters/system/system-random.js';
import type { Clock } from '../ports/clock.js';
import type { Random } from '../ports/random.js';

/** This process' time and chance, for what is around nodes rather than in one. */
export const systemClock = (): Clock => new SystemClock();
export const systemRandom = (): Random => new SystemRandom();

export type { Clock, Random };
