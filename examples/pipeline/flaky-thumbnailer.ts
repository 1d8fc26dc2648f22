import { setTimeout as sleep } from 'node:timers/promises';
import type { Handlers } from 'skein';
import type { Thumbnailer } from './contract.js';
import { shrink } from './pictures.js';

/** What the service counts of itself. */
export interface Observed {
  requests: number;
  mostAtOnce: number;
}

const workMs = 5;

/** A service as one meets them: at some pictures it fails once, over some it falls asleep once, and one it never gets done. */
export const flakyThumbnailer = (observed: Observed): Handlers<typeof Thumbnailer> => {
  const attempts = new Map<number, number>();
  let atOnce = 0;
  return {
    shrink: async ({ number, dots }, { signal }) => {
      const attempt = (attempts.get(number) ?? 0) + 1;
      attempts.set(number, attempt);
      observed.requests += 1;
      atOnce += 1;
      observed.mostAtOnce = Math.max(observed.mostAtOnce, atOnce);
      try {
        const mood = moodFor(number, attempt);
        await sleep(mood === 'sleepy' ? 60_000 : workMs, undefined, { signal });
        if (mood === 'cross') throw new Error(`picture ${String(number)} is too difficult`);
        return shrink(dots);
      } finally {
        atOnce -= 1;
      }
    },
  };
};

/** The same in every run. */
const moodFor = (number: number, attempt: number): 'fine' | 'cross' | 'sleepy' => {
  if (number === 13) return 'cross';
  if (attempt > 1) return 'fine';
  return number % 5 === 0 ? 'cross' : number % 8 === 0 ? 'sleepy' : 'fine';
};
