import type { Mood } from './cluster.js';
import { search, searchStreams } from './search.js';

/** What a hunt came to: how many seeds it ran, and how the last one failed, if it did. */
export interface Catch {
  readonly seeds: number;
  readonly failure?: string;
}

/** What is hunted: bugs of all that there is but streams, in clusters of that mood, or of those. */
export type Game = Mood | 'streams';

/** Seeds that run before it is told whether one failed. */
const seedsEach = 10;

/** Runs so many seeds from that one on, until one fails. */
const hunt = async (first: number, seedsMax: number, game: Game): Promise<Catch> => {
  for (let seeds = 0; seeds < seedsMax; seeds += seedsEach) {
    const [from, count] = [first + seeds, Math.min(seedsEach, seedsMax - seeds)];
    try {
      await (game === 'streams' ? searchStreams(from, count) : search(game, from, count));
    } catch (error) {
      return { seeds: seeds + seedsEach, failure: error instanceof Error ? error.message : String(error) };
    }
  }
  return { seeds: seedsMax };
};

const [, , first = '1', seeds = '1000', game = 'wild'] = process.argv;
console.log(JSON.stringify(await hunt(Number(first), Number(seeds), game as Game)));
