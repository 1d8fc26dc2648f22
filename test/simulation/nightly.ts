import { availableParallelism } from 'node:os';
import build from '../build.js';
import { runHunt } from './run-hunt.js';

/** `npm run nightly -- 100000 1`: that many seeds from that one on, on all cores, in parts that each end with a line. */
const seedsEach = 500;

build();
const [seeds = 100_000, first = 1] = process.argv.slice(2).map(Number);
let next = first;

const work = async (): Promise<void> => {
  while (next < first + seeds) {
    const from = next;
    const count = Math.min(seedsEach, first + seeds - from);
    next += count;
    for (const game of ['wild', 'calm', 'lossy', 'streams'] as const) {
      const { failure } = await runHunt(from, count, game);
      const how = failure === undefined ? 'well' : `\n${failure}`;
      console.log(`${game}, seeds ${String(from)} to ${String(from + count - 1)}: ${how}`);
      if (failure !== undefined) process.exitCode = 1;
    }
  }
};

await Promise.all(Array.from({ length: availableParallelism() }, work));
