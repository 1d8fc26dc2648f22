import { describe, it } from 'vitest';
import { searchStreams } from './search.js';

const seeds = 1_000;
/** Seeds that one test runs. */
const seedsEach = 50;
const { SKEIN_SEED } = process.env;
const starts = Array.from({ length: seeds / seedsEach }, (_, i) => 1 + i * seedsEach);

describe('streams while anything goes wrong', { timeout: 120_000 }, () => {
  it.each(SKEIN_SEED === undefined ? starts : [Number(SKEIN_SEED)])('keep each rule, by seed %i on', (seed) =>
    searchStreams(seed, seedsEach),
  );
});
