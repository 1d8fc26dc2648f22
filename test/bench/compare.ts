import { isTcp, type Role } from './messages.js';
import { type Measured, Pair } from './pair.js';
import { median } from './pace.js';
import { Missing } from './prepare.js';

/** What is measured beside other systems. */
export type Compared = Exclude<Role['bench'], 'upload'>;

type System = Role['system'];

interface Case {
  readonly bench: Compared;
  readonly system: System;
  readonly network: Role['network'];
  readonly window: number;
  readonly payloadBytes: number;
  /** Servers that each fanout goes to; one for all else. */
  readonly servers: number;
}

/** One line of the result: medians over the runs. */
export interface Row extends Case {
  /** Of fanouts, one for each server. */
  readonly opsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Of both sides, without a broker's; of programs in C neither is known, and both are 0. */
  readonly cpuUsPerOp: number;
  readonly rssMiB: number;
  /** Each run's operations a second. */
  readonly runs: readonly number[];
}

/** A system that is not measured, since what it needs is not there. */
export interface MissingRow extends Case {
  readonly missing: string;
}

export interface CompareOptions {
  readonly windows: readonly number[];
  readonly runs: number;
  readonly seconds: number;
  /** Of each pair before it is measured, which do not count. */
  readonly warmUp: number;
  /** Whom to compare with. */
  readonly systems: readonly System[];
}

export const payloads = {
  call: [14],
  scattered: [14],
  rate: [14],
  mixed: [14],
  payload: [32, 1_024, 65_536, 1_048_576],
  cast: [64],
  fanout: [64],
  stream: [64, 4_096],
} as const;

/** Skein comes last; it is compared with all others. */
const systems: Readonly<Record<Compared, readonly System[]>> = {
  call: ['zeromq', 'libzmq', 'net', 'moleculer', 'nats', 'rabbitmq', 'grpc', 'skein'],
  scattered: ['zeromq', 'skein'],
  rate: ['zeromq', 'moleculer', 'skein'],
  mixed: ['moleculer', 'skein'],
  payload: ['zeromq', 'libzmq', 'skein'],
  cast: ['zeromq', 'libzmq', 'nats', 'skein'],
  fanout: ['zeromq', 'zeromq-acks', 'nats', 'skein'],
  stream: ['zeromq', 'libzmq', 'nats', 'grpc', 'skein'],
};

export const allSystems: readonly System[] = [...new Set(Object.values(systems).flat())].filter((system) => system !== 'skein');

/** Those that know nothing but TCP. */
const tcpOnly: readonly System[] = ['moleculer', 'nats', 'rabbitmq'];

/** What each pair has under way as it warms up, where a window of 1 alone would take too long. */
const warmUpWindow = 64;

/** And before each measurement, for it has waited for the others' turns. */
const leadInSeconds = 0.3;

interface Contender {
  readonly system: System;
  readonly pair?: Pair;
  readonly missing?: string;
}

/** Whether so many begin each second, and what differs is how long each takes. */
export const isAtRate = (bench: Compared): boolean => bench === 'rate' || bench === 'mixed';

/** All systems on the same work, in turn, so that whatever the machine does meanwhile meets each of them. */
export const compare = async (
  what: Omit<Case, 'system' | 'window'>,
  { windows, runs, seconds, warmUp, systems: wanted }: CompareOptions,
): Promise<readonly (Row | MissingRow)[]> => {
  const contenders: Contender[] = [];
  for (const system of systems[what.bench]) {
    if (system !== 'skein' && !wanted.includes(system)) continue;
    if (!isTcp(what.network) && tcpOnly.includes(system)) continue;
    contenders.push(await start({ ...what, system }));
  }
  for (const { pair } of contenders) await pair?.measure(warmUpWindow, warmUp);
  const rows: (Row | MissingRow)[] = [];
  for (const window of windows) {
    const measured = new Map<System, Measured[]>(contenders.map(({ system }) => [system, []]));
    for (let run = 0; run < runs; run += 1) {
      for (const { system, pair } of contenders) {
        if (!pair) continue;
        await pair.measure(window, leadInSeconds);
        measured.get(system)?.push(await pair.measure(window, seconds));
      }
    }
    const of: (Row | MissingRow)[] = [];
    for (const { system, pair, missing = '' } of contenders) {
      const figures = measured.get(system) ?? [];
      of.push({ ...what, system, window, ...(pair ? await resultOf(system, figures, pair) : { missing }) });
    }
    show(of);
    rows.push(...of);
  }
  for (const { pair } of contenders) await pair?.end();
  return rows;
};

const start = async (what: Omit<Case, 'window'>): Promise<Contender> => {
  try {
    return { system: what.system, pair: await Pair.start(what) };
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    return { system: what.system, missing: error.message };
  }
};

const resultOf = async (system: System, figures: readonly Measured[], pair: Pair): Promise<Omit<Row, keyof Case>> => {
  const of = (key: Exclude<keyof Measured, 'worstUs'>): number => median(figures.map((measured) => measured[key]));
  const isCounted = system !== 'libzmq';
  return {
    opsPerSecond: of('opsPerSecond'),
    p50Us: of('p50Us'),
    p99Us: of('p99Us'),
    cpuUsPerOp: isCounted ? of('cpuUsPerOp') : 0,
    rssMiB: isCounted ? (await pair.usage()).rssMiB : 0,
    runs: figures.map(({ opsPerSecond }) => Math.round(opsPerSecond)),
  };
};

const show = (rows: readonly (Row | MissingRow)[]): void => {
  const skein = rows.at(-1);
  if (!skein || 'missing' in skein) return;
  const { bench, network, window, payloadBytes, servers } = skein;
  const to = bench === 'fanout' ? ` to ${String(servers)} servers` : '';
  const under =
    bench === 'stream' ? `credit ${String(window)}` : isAtRate(bench) ? `${String(window)} a second` : `window ${String(window)}`;
  console.log(`${bench}${to} ${network} ${under}, ${String(payloadBytes)} bytes`);
  const width = Math.max(...rows.map(({ system }) => system.length));
  for (const row of rows) console.log(`  ${row.system.padEnd(width)} ${lineOf(row, skein)}`);
};

const lineOf = (row: Row | MissingRow, skein: Row): string => {
  if ('missing' in row) return `not measured: ${row.missing}`;
  const { bench, runs, opsPerSecond, p50Us, p99Us, cpuUsPerOp, system } = row;
  return [
    `${thousands(opsPerSecond)} k/s`.padStart(12),
    `(${thousands(Math.min(...runs))}–${thousands(Math.max(...runs))})`.padEnd(17),
    p50Us > 0 ? `p50 ${String(Math.round(p50Us))} µs, p99 ${String(Math.round(p99Us))} µs`.padEnd(30) : '',
    (cpuUsPerOp > 0 ? `CPU ${cpuUsPerOp.toFixed(1)} µs` : '').padEnd(14),
    system === 'skein' ? '' : `Skein is ${isAtRate(bench) ? timesOf(row, skein) : ratioTo(row, skein)}`,
  ].join(' ');
};

/** How many times as many a second Skein does, in runs that stood next to each other. */
export const ratiosTo = ({ runs }: Row, skein: Row): readonly number[] => runs.map((ops, run) => (skein.runs[run] ?? 0) / ops);

/** The median of the runs' ratios, and the least and the most of them. */
const ratioTo = (row: Row, skein: Row): string => {
  const ratios = ratiosTo(row, skein);
  return `${median(ratios).toFixed(2)} × (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
};

/** Where all do as many a second, what differs is how long each takes. */
const timesOf = ({ p50Us, p99Us }: Row, skein: Row): string =>
  `p50 ${(skein.p50Us / p50Us).toFixed(2)} ×, p99 ${(skein.p99Us / p99Us).toFixed(2)} ×`;

const thousands = (ops: number): string => (ops / 1_000).toFixed(1);
