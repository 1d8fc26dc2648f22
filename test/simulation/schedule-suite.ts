import { describe, expect, it } from 'vitest';
import { runSchedule } from './schedule.js';

const seedsTotal = 1_000;
const kindsOfEnd = [
  'ok',
  'cancelled',
  'closed',
  'deadline-exceeded',
  'link-lost',
  'no-server',
  'overloaded',
  'peer-silent',
  'remote-error',
  'undeliverable',
].map((kind) => `requests.${kind}`);
const mechanisms = [
  'deliveries.moved',
  'deliveries.repeated',
  'repeats.known',
  'repeats.forgotten',
  'casts.resumed',
  'casts.resent',
  'drained.nodes',
  'drained.nodes.partly',
  'drained.servers',
  'drained.servers.partly',
];

/** Runs its share of the schedules: `SKEIN_SEED=7 npx vitest run test/simulation` runs that seed alone. */
export const scheduleSuite = (name: string, isMine: (seed: number) => boolean): void => {
  const { SKEIN_SEED } = process.env;
  const all = Array.from({ length: seedsTotal }, (_, i) => i + 1);
  const seeds = (SKEIN_SEED === undefined ? all : [Number(SKEIN_SEED)]).filter(isMine);
  const seen = new Set<string>();

  describe.runIf(seeds.length > 0)(`${name} random schedules of all that is sent, all that breaks and all who leave`, () => {
    it.each(seeds)('leave each send with one end, each bound kept and nothing open, by seed %i', async (seed) => {
      const { wrong, sent, started, counters } = await runSchedule(seed);
      for (const [counter, total] of counters) if (total > 0) seen.add(counter);
      expect(wrong, `run it alone by SKEIN_SEED=${String(seed)}`).toEqual([]);
      expect(sent).toBeGreaterThan(0);
      expect(started).toBeGreaterThan(0);
    });

    it.runIf(SKEIN_SEED === undefined)('come to each kind of end, and use each mechanism', () => {
      expect([...kindsOfEnd, ...mechanisms].filter((counter) => !seen.has(counter))).toEqual([]);
    });
  });
};
