import type { Mood } from './cluster.js';
import { search } from './search.js';

/** What a hunt came to: the first seed that fails, and how, or that none does. */
export interface Catch {
  readonly seeds: number;
  readonly failure?: string;
}

const moods: readonly Mood[] = ['wild', 'calm', 'lossy'];
/** Seeds that one mood runs before it is the next one's turn. */
const seedsEach = 10;

/** Runs seeds in all moods by turns, at most so many, until one fails. */
const hunt = async (seedsMax: number): Promise<Catch> => {
  for (let seeds = 0; seeds < seedsMax; seeds += seedsEach) {
    const mood = moods[(seeds / seedsEach) % moods.length] as Mood;
    try {
      await search(mood, seeds + 1, Math.min(seedsEach, seedsMax - seeds));
    } catch (error) {
      return { seeds: seeds + seedsEach, failure: error instanceof Error ? error.message : String(error) };
    }
  }
  return { seeds: seedsMax };
};

console.log(JSON.stringify(await hunt(Number(process.argv[2]))));
