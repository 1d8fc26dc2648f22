import { limits } from '../../lib/core/limits.js';
import { explore, type FaultRanges } from '../../lib/testing.js';
import { busyMs as streamsMs, Streams } from './streams/scenario.js';
import { busyMs, Cluster, type Mood, type Seen } from './cluster.js';

const times = { atMs: [0, busyMs], forMs: [100, 4_000] } as const;
const faultsOf: { readonly [M in Mood]: FaultRanges } = {
  calm: { ...times, kinds: ['drain'], count: [1, 5] },
  wild: { ...times, kinds: ['kill', 'drain', 'pause', 'cut', 'delay', 'break', 'outage', 'stale'], count: [1, 8] },
  lossy: { ...times, kinds: ['kill', 'cut', 'loss', 'break'], count: [1, 8] },
};

/** For what is only let go of once it was not used for long. */
const limitMs = 3 * limits.coldMaxMs;

/** Runs so many seeds from that one on, each with some nodes, all that they send, and faults by chance; notes what they count in `seen`. */
export const search = (mood: Mood, seed: number, seeds: number, seen: Seen = new Set()): Promise<void> =>
  explore({ seed, seeds, limitMs, latencyMs: [0.1, 10], faults: faultsOf[mood] }, (world) =>
    new Cluster(world, mood, seen).run(),
  );

/** The same for streams alone. */
export const searchStreams = (seed: number, seeds: number): Promise<void> => {
  const faults: FaultRanges = { ...faultsOf.wild, atMs: [0, streamsMs], count: [0, 6] };
  return explore({ seed, seeds, latencyMs: [0.1, 10], faults }, (world) => new Streams(world).run());
};
