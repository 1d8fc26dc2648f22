import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Figures, Role } from './messages.js';
import { Pair } from './pair.js';
import { scale, type ScaleRow, showScale } from './scale.js';
import { showSimulated, simulateNodes, type SimulateRow } from './simulate.js';
import { showUpload, upload, uploadPayloads, type UploadRow } from './upload.js';

/** What is measured beside other systems. */
type Compared = Exclude<Role['bench'], 'upload'>;

/** One line of the result: medians over the runs. */
interface Row {
  readonly bench: Compared;
  readonly system: Role['system'];
  readonly network: Role['network'];
  readonly window: number;
  readonly payloadBytes: number;
  /** Servers that each fanout goes to; one for all else. */
  readonly servers: number;
  /** Of fanouts, one for each server. */
  readonly opsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly rssMiB: number;
  /** Each run's operations a second. */
  readonly runs: readonly number[];
}

interface Options {
  readonly windows: readonly number[];
  readonly credits: readonly number[];
  readonly servers: readonly number[];
  readonly networks: readonly Role['network'][];
  readonly runs: number;
  readonly seconds: number;
  readonly nodes: readonly number[];
  readonly minutes: number;
  readonly json?: string;
}

const payloads = { call: [14], cast: [64], fanout: [64], stream: [64, 4_096] } as const;
const systems = {
  call: ['zeromq', 'skein'],
  cast: ['zeromq', 'skein'],
  fanout: ['zeromq', 'zeromq-acks', 'skein'],
  stream: ['zeromq', 'grpc', 'skein'],
} as const;

/** Fanouts under way at once: enough to keep both ends busy. */
const fanoutWindow = 16;

/** What each pair does before it is measured; its figures are not kept. */
const warmUp = { window: 64, seconds: 2 } as const;

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
};

/** All systems on the same work, in turn, so that whatever the machine does meanwhile meets both. */
const compare = async (
  bench: Compared,
  network: Role['network'],
  payloadBytes: number,
  servers: number,
  { windows, runs, seconds }: Options,
): Promise<readonly Row[]> => {
  const pairs = [];
  for (const system of systems[bench]) {
    pairs.push({ system, pair: await Pair.start({ bench, system, network, payloadBytes, servers }) });
  }
  const rows: Row[] = [];
  // A window of 1 alone would not make the code warm in any decent time.
  for (const { pair } of pairs) await pair.measure(warmUp.window, warmUp.seconds);
  for (const window of windows) {
    const measured = new Map<Role['system'], Figures[]>(systems[bench].map((system) => [system, []]));
    for (let run = 0; run < runs; run += 1) {
      for (const { system, pair } of pairs) measured.get(system)?.push(await pair.measure(window, seconds));
    }
    const of = [];
    for (const { system, pair } of pairs) {
      const figures = measured.get(system) ?? [];
      const row: Row = {
        bench,
        system,
        network,
        window,
        payloadBytes,
        servers,
        opsPerSecond: median(figures.map(({ opsPerSecond }) => opsPerSecond)),
        p50Us: median(figures.map(({ p50Us }) => p50Us)),
        p99Us: median(figures.map(({ p99Us }) => p99Us)),
        rssMiB: await pair.rssMiB(),
        runs: figures.map(({ opsPerSecond }) => Math.round(opsPerSecond)),
      };
      of.push(row);
    }
    show(of);
    rows.push(...of);
  }
  for (const { pair } of pairs) await pair.end();
  return rows;
};

const show = (rows: readonly Row[]): void => {
  const skein = rows.at(-1);
  const raws = rows.slice(0, -1);
  if (!skein) return;
  const cells = ({ runs, opsPerSecond, p50Us, p99Us }: Row): string =>
    [
      `${thousands(opsPerSecond)} k/s`.padStart(12),
      `(${thousands(Math.min(...runs))}–${thousands(Math.max(...runs))})`.padEnd(17),
      p50Us > 0 ? `p50 ${String(Math.round(p50Us))} µs, p99 ${String(Math.round(p99Us))} µs`.padEnd(30) : '',
    ].join(' ');
  const ratioTo = (raw: Row): string => {
    const ratios = raw.runs.map((ops, run) => (skein.runs[run] ?? 0) / ops);
    return `${median(ratios).toFixed(2)} × (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
  };
  const { bench, network, window, payloadBytes, servers } = skein;
  const to = bench === 'fanout' ? ` to ${String(servers)} servers` : '';
  const under = bench === 'stream' ? 'credit' : 'window';
  console.log(`${bench}${to} ${network} ${under} ${String(window)}, ${String(payloadBytes)} bytes`);
  const width = Math.max(...rows.map(({ system }) => system.length));
  for (const raw of raws) console.log(`  ${raw.system.padEnd(width)} ${cells(raw)}`);
  console.log(`  ${skein.system.padEnd(width)} ${cells(skein)} ${raws.map(ratioTo).join(', ')}`);
};

const thousands = (ops: number): string => (ops / 1_000).toFixed(1);

const list = (text: string): string[] => text.split(',').filter((part) => part !== '');
const counts = (text: string): number[] =>
  list(text).map((part) => {
    if (!/^[1-9]\d*$/.test(part)) throw new InvalidArgumentError(`${part} is no whole number from 1.`);
    return Number(part);
  });

const program = new Command('bench')
  .description(
    'Runs Skein and raw zeromq.js side by side, two processes each, in turn; prints medians with least and most. Or times simulations.',
  )
  .argument('[benches...]', 'call, cast, fanout, stream, upload, simulate, scale', ['call', 'cast'])
  .addOption(new Option('--windows <list>', 'operations under way at once').default([1, 16, 64, 256, 1_000]).argParser(counts))
  .addOption(
    new Option('--credits <list>', 'items that a stream is ahead at the most').default([64, 256, 1_024]).argParser(counts),
  )
  .addOption(new Option('--servers <list>', 'that each fanout goes to').default([10, 100]).argParser(counts))
  .addOption(new Option('--nodes <list>', 'of simulated clusters').default([10, 100]).argParser(counts))
  .addOption(new Option('--minutes <n>', 'of virtual time that is simulated').default(10).argParser(Number))
  .addOption(new Option('--networks <list>', 'tcp, ipc').default(['tcp', 'ipc']).argParser(list))
  .addOption(new Option('--runs <n>', 'measurements of each').default(9).argParser(Number))
  .addOption(new Option('--seconds <n>', 'of each measurement').default(1).argParser(Number))
  .addOption(new Option('--json <file>', 'where the rows go'));

program.parse();
const options = program.opts<Options>();
const rows: (Row | UploadRow | SimulateRow | ScaleRow)[] = [];
for (const bench of program.processedArgs[0] as (Compared | 'upload' | 'simulate' | 'scale')[]) {
  if (bench === 'simulate') {
    for (const nodes of options.nodes) {
      const row = await simulateNodes(nodes, options.minutes);
      showSimulated(row);
      rows.push(row);
    }
    continue;
  }
  if (bench === 'scale') {
    for (const nodes of options.nodes) {
      const row = await scale(nodes);
      showScale(row);
      rows.push(row);
    }
    continue;
  }
  if (bench === 'upload') {
    for (const network of options.networks) {
      for (const payloadBytes of uploadPayloads) {
        const row = await upload(network, payloadBytes, options);
        showUpload(row);
        rows.push(row);
      }
    }
    continue;
  }
  // A fanout's window is its own, and those of streams are their credit.
  const windows = { fanout: [fanoutWindow], stream: options.credits, call: options.windows, cast: options.windows }[bench];
  for (const servers of bench === 'fanout' ? options.servers : [1]) {
    for (const network of options.networks) {
      for (const payloadBytes of payloads[bench]) {
        rows.push(...(await compare(bench, network, payloadBytes, servers, { ...options, windows })));
      }
    }
  }
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, undefined, 2)}\n`);
