import { describe, expect, it } from 'vitest';
import type { Mood } from './cluster.js';
import { search } from './search.js';

/** Seeds that one test runs. */
const seedsEach = 25;

/** Runs so many seeds in that mood, and looks whether they come to what they are for: `SKEIN_SEED=7 npx vitest run test/simulation` runs that seed alone. */
export const searchSuite = (mood: Mood, first: number, seeds: number, wanted: readonly string[]): void => {
  const { SKEIN_SEED } = process.env;
  const starts = Array.from({ length: Math.ceil(seeds / seedsEach) }, (_, i) => first + i * seedsEach);
  const seen = new Set<string>();

  describe(`${mood} clusters of all that is sent, and all that changes`, { timeout: 120_000 }, () => {
    it.each(SKEIN_SEED === undefined ? starts : [Number(SKEIN_SEED)])('keep each rule, by seed %i on', (seed) =>
      search(mood, seed, seedsEach, seen),
    );

    it.runIf(SKEIN_SEED === undefined)('come to each kind of end, and use each mechanism', () => {
      expect(wanted.filter((counter) => !seen.has(counter))).toEqual([]);
    });
  });
};

/** Ends of requests that each mood comes to. */
export const ends = [
  'ok',
  'cancelled',
  'closed',
  'deadline-exceeded',
  'no-server',
  'overloaded',
  'remote-error',
  'undeliverable',
].map((kind) => `requests.${kind}`);
/** What comes only where something breaks. */
export const breakages = ['requests.link-lost', 'requests.peer-silent', 'casts.resumed', 'casts.resent'];
/** What repeats come to. */
export const repeats = ['deliveries.moved', 'deliveries.repeated', 'repeats.known'];
