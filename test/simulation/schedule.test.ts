import { describe, expect, it } from 'vitest';
import { runSchedule } from './schedule.js';

/** `SKEIN_SEED=7 npx vitest run test/simulation` runs that seed alone. */
const { SKEIN_SEED } = process.env;
const all = Array.from({ length: 200 }, (_, i) => i + 1);
const seeds = SKEIN_SEED === undefined ? all : [Number(SKEIN_SEED)];

const seenEnds = new Set<string>();
const kindsOfEnd = [
  'ok',
  'cancelled',
  'closed',
  'deadline-exceeded',
  'link-lost',
  'no-server',
  'peer-silent',
  'remote-error',
  'undeliverable',
];

describe('a random schedule of calls, casts, fanouts, cancels, cuts, losses, kills and restarts', () => {
  it.each(seeds)('leaves each send with one end, each bound kept and nothing open, by seed %i', async (seed) => {
    const { wrong, sent, started, ends } = await runSchedule(seed);
    for (const how of ends.keys()) seenEnds.add(how);
    expect(wrong, `run it alone by SKEIN_SEED=${String(seed)}`).toEqual([]);
    expect(sent).toBeGreaterThan(0);
    expect(started).toBeGreaterThan(0);
  });

  it('comes to each kind of end', () => {
    const missing = kindsOfEnd.filter((kind) => !seenEnds.has(`requests.${kind}`));
    expect(seeds.length < all.length ? [] : missing).toEqual([]);
  });
});
