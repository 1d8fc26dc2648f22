import type { Role } from './messages.js';
import { median } from './pace.js';
import { type Health, Pair } from './pair.js';

/** A stretch of calls at one rate, and what both processes were like behind it. */
interface Stretch {
  readonly callsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of all calls the slowest; one that fails counts with 10 s. */
  readonly worstUs: number;
  readonly server: Health;
  readonly client: Health;
}

/** Calls that begin at half of the rate that could be kept up, for minutes. */
export interface SoakRow {
  readonly bench: 'soak';
  readonly network: Role['network'];
  readonly rate: number;
  readonly seconds: number;
  readonly stretches: readonly Stretch[];
}

/** Calls under way at once as what can be kept up is measured. */
const window = 64;

const work = (network: Role['network'], bench: 'call' | 'rate') =>
  ({ bench, system: 'skein', network, payloadBytes: 0, servers: 1 }) as const;

/** What can be kept up, in calls a second. */
const capacity = async (network: Role['network']): Promise<number> => {
  const pair = await Pair.start(work(network, 'call'));
  await pair.measure(window, 2);
  const { opsPerSecond } = await pair.measure(window, 3);
  await pair.end();
  return opsPerSecond;
};

export const soak = async (
  network: Role['network'],
  { runs, seconds }: { readonly runs: number; readonly seconds: number },
): Promise<SoakRow> => {
  const rate = Math.floor((await capacity(network)) / 2);
  const pair = await Pair.start(work(network, 'rate'));
  await pair.measure(rate, 2);
  await pair.health();
  const stretches: Stretch[] = [];
  for (let run = 0; run < runs; run += 1) {
    const { opsPerSecond, p50Us, p99Us, worstUs = 0 } = await pair.measure(rate, seconds);
    stretches.push({ callsPerSecond: opsPerSecond, p50Us, p99Us, worstUs, ...(await pair.health()) });
  }
  await pair.end();
  return { bench: 'soak', network, rate, seconds, stretches };
};

/** What is of interest of all stretches, for either side. */
export const sumUp = ({ stretches }: SoakRow, side: 'server' | 'client') => {
  const heaps = stretches.map((stretch) => stretch[side].heapMiB);
  return {
    heapFirstMiB: heaps[0] ?? 0,
    heapLastMiB: heaps.at(-1) ?? 0,
    heapMostMiB: Math.max(...heaps),
    rssMostMiB: Math.max(...stretches.map((stretch) => stretch[side].rssMiB)),
    loopP99Ms: median(stretches.map((stretch) => stretch[side].loopP99Ms)),
  };
};

export const showSoak = (row: SoakRow): void => {
  const { network, rate, seconds, stretches } = row;
  const worstMs = Math.max(...stretches.map(({ worstUs }) => worstUs)) / 1_000;
  const of = (key: 'p50Us' | 'p99Us'): string => median(stretches.map((stretch) => stretch[key])).toFixed(0);
  console.log(
    `${String(rate)} calls/s over ${network} for ${String(stretches.length)} × ${String(seconds)} s: p50 ${of('p50Us')} µs, p99 ${of('p99Us')} µs, ` +
      `the slowest ${worstMs.toFixed(0)} ms`,
  );
  for (const side of ['server', 'client'] as const) {
    const { heapFirstMiB, heapLastMiB, heapMostMiB, rssMostMiB, loopP99Ms } = sumUp(row, side);
    console.log(
      `  ${side}: heap ${heapFirstMiB.toFixed(1)} MiB at first, ${heapLastMiB.toFixed(1)} at last, at most ${heapMostMiB.toFixed(1)}; ` +
        `${rssMostMiB.toFixed(0)} MiB in all at most; event loop p99 ${loopP99Ms.toFixed(1)} ms late`,
    );
  }
};
