import type { Mood } from './cluster.js';
import { search } from './search.js';

/** What a hunt came to: how many seeds it ran, and how the last one failed, if it did. */
export interface Catch {
  readonly seeds: number;
  readonly failure?: string;
}

const moods: readonly Mood[] = ['wild', 'calm', 'lossy'];
/** Seeds that one mood runs before it is the next one's turn. */
const seedsEach = 10;

/** Runs so many seeds from that one on, in all moods by turns, until one fails. */
const hunt = async (first: number, seedsMax: number): Promise<Catch> => {
  for (let seeds = 0; seeds < seedsMax; seeds += seedsEach) {
    const mood = moods[(seeds / seedsEach) % moods.length] as Mood;
    try {
      await search(mood, first + seeds, Math.min(seedsEach, seedsMax - seeds));
    } catch (error) {
      return { seeds: seeds + seedsEach, failure: error instanceof Error ? error.message : String(error) };
    }
  }
  return { seeds: seedsMax };
};

const [first = 1, seeds = 1_000] = process.argv.slice(2).map(Number);
console.log(JSON.stringify(await hunt(first, seeds)));
