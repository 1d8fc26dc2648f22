import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { cold, type ColdRow, showCold } from './cold.js';
import {
  allSystems,
  compare,
  type Compared,
  type CompareOptions,
  isAtRate,
  type MissingRow,
  payloads,
  type Row,
} from './compare.js';
import { inProcess, type InProcessRow, showInProcess } from './in-process.js';
import { links, type LinksRow, showLinks } from './links.js';
import type { Role } from './messages.js';
import { changes, regressions, showChange } from './regress.js';
import { scale, type ScaleRow, showScale } from './scale.js';
import { showSimulated, simulateNodes, type SimulateRow } from './simulate.js';
import { showSoak, soak, type SoakRow } from './soak.js';
import { showUpload, upload, uploadPayloads, type UploadRow } from './upload.js';

type AnyRow = Row | MissingRow | UploadRow | ColdRow | InProcessRow | LinksRow | SoakRow | SimulateRow | ScaleRow;

interface Options extends CompareOptions {
  readonly credits: readonly number[];
  readonly rates: readonly number[];
  readonly servers: readonly number[];
  readonly networks: readonly Role['network'][];
  readonly peers: readonly number[];
  readonly nodes: readonly number[];
  readonly minutes: number;
  readonly json?: string;
  readonly quick?: true;
  readonly compare?: string;
  readonly tolerance: number;
}

/** Fanouts under way at once: enough to keep both ends busy. */
const fanoutWindow = 64;

const networks: readonly Role['network'][] = ['tcp', 'ipc', 'zmtp-tcp', 'zmtp-ipc', 'zmq-tcp', 'zmq-ipc'];

const list = (text: string): string[] => {
  const parts = text.split(',').filter((part) => part !== '');
  if (parts.length === 0) throw new InvalidArgumentError('It is empty.');
  return parts;
};
const counts = (text: string): number[] =>
  list(text).map((part) => {
    if (!/^[1-9]\d*$/.test(part)) throw new InvalidArgumentError(`${part} is no whole number from 1.`);
    return Number(part);
  });

const oneOf =
  (known: readonly string[]) =>
  (text: string): string[] => {
    const unknown = list(text).find((name) => !known.includes(name));
    if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is not known: there are ${known.join(', ')}.`);
    return list(text);
  };

const whole = (text: string): number => {
  const [count = 0, ...more] = counts(text);
  if (count === 0 || more.length > 0) throw new InvalidArgumentError(`${text} is no whole number from 1.`);
  return count;
};

const positive = (text: string): number => {
  if (!(Number(text) > 0 && Number(text) < Infinity)) throw new InvalidArgumentError(`${text} is no number above 0.`);
  return Number(text);
};

const part = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError(`${text} is no number between 0 and 1.`);
  return value;
};

/** One row for each, shown as it is there. */
const each = async <T, R extends AnyRow>(
  all: readonly T[],
  measure: (one: T) => Promise<R>,
  show: (row: R) => void,
): Promise<R[]> => {
  const rows: R[] = [];
  for (const one of all) {
    const row = await measure(one);
    show(row);
    rows.push(row);
  }
  return rows;
};

/** All of the one with all of the other. */
const pairs = <A, B>(first: readonly A[], second: readonly B[]): (readonly [A, B])[] =>
  first.flatMap((a) => second.map((b) => [a, b] as const));

const others = {
  upload: ({ networks, ...options }: Options) =>
    each(pairs(networks, uploadPayloads), ([network, payloadBytes]) => upload(network, payloadBytes, options), showUpload),
  cold: async ({ networks, ...options }: Options) => {
    const rows: ColdRow[] = [];
    for (const network of networks) rows.push(...(await cold(network, options)));
    rows.forEach(showCold);
    return rows;
  },
  'in-process': async ({ windows, ...options }: Options) => {
    const rows = await inProcess(windows, options);
    rows.forEach(showInProcess);
    return rows;
  },
  links: ({ networks, peers, seconds }: Options) =>
    each(pairs(networks, peers), ([network, count]) => links(network, count, seconds), showLinks),
  soak: ({ networks, ...options }: Options) => each(networks, (network) => soak(network, options), showSoak),
  simulate: ({ nodes, minutes }: Options) => each(nodes, (count) => simulateNodes(count, minutes), showSimulated),
  scale: ({ nodes }: Options) => each(nodes, scale, showScale),
} as const;

type Other = keyof typeof others;

const isOther = (bench: string): bench is Other => bench in others;

const beside = async (bench: Compared, options: Options): Promise<(Row | MissingRow)[]> => {
  // A fanout's window is its own, those of streams are their credit, and those of rates are rates.
  const own: Readonly<Record<string, readonly number[]>> = { fanout: [fanoutWindow], stream: options.credits };
  const windows = isAtRate(bench) ? options.rates : (own[bench] ?? options.windows);
  const rows: (Row | MissingRow)[] = [];
  for (const servers of bench === 'fanout' ? options.servers : [1]) {
    for (const [network, payloadBytes] of pairs(options.networks, payloads[bench])) {
      rows.push(...(await compare({ bench, network, payloadBytes, servers }, { ...options, windows })));
    }
  }
  return rows;
};

const readRows = (file: string): AnyRow[] => {
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(read) && read.every((row) => typeof row === 'object' && row !== null)) return read as AnyRow[];
  } catch (error) {
    program.error(`${file} cannot be read: ${String(error)}`);
  }
  return program.error(`${file} has no rows: it is not what --json writes`);
};

/** Where there is no such file, one without rows is put there. */
const expectWritable = (file: string): void => {
  try {
    if (existsSync(file)) accessSync(file, constants.W_OK);
    else writeFileSync(file, '[]\n');
  } catch (error) {
    program.error(`${file} cannot be written: ${String(error)}`);
  }
  readRows(file);
};

const writeRows = (file: string, rows: readonly AnyRow[]): void => {
  const kindOf = (row: AnyRow): string => `${row.bench} ${'network' in row ? row.network : ''}`;
  const measured = new Set(rows.map(kindOf));
  const kept = readRows(file).filter((row) => !measured.has(kindOf(row)));
  writeFileSync(file, `${JSON.stringify([...kept, ...rows], undefined, 2)}\n`);
};

/** Fails where a ratio fell too far from what the file says. */
const compareWith = (file: string, known: readonly AnyRow[], rows: readonly AnyRow[], tolerance: number): void => {
  const isCompared = (row: AnyRow): row is Row | MissingRow => 'window' in row && 'system' in row;
  const all = changes(rows.filter(isCompared), known.filter(isCompared));
  for (const change of all) console.log(showChange(change));
  if (all.length === 0) program.error(`${file} has nothing of what was measured`);
  const fallen = regressions(all, tolerance);
  if (fallen.length === 0) return;
  console.error(`fell by more than ${String(tolerance * 100)} %:\n${fallen.map(showChange).join('\n')}`);
  process.exitCode = 1;
};

const benches = [...(Object.keys(payloads) as Compared[]), ...(Object.keys(others) as Other[])];

const program = new Command('bench')
  .description(
    'Runs Skein and what one would use in its place side by side, two processes each, in turn; prints medians with least and most, and ' +
      "the medians of the runs' ratios. What a system needs and is not installed is named. Or times simulations.",
  )
  .addArgument(new Argument('[benches...]', 'what to run; call and cast, where none is named').choices(benches))
  .addOption(new Option('--windows <list>', 'operations under way at once').default([1, 16, 64, 256, 1_000]).argParser(counts))
  .addOption(
    new Option('--credits <list>', 'items that a stream is ahead at the most').default([64, 256, 1_024]).argParser(counts),
  )
  .addOption(new Option('--rates <list>', 'operations that begin each second').default([10_000, 50_000]).argParser(counts))
  .addOption(new Option('--servers <list>', 'that each fanout goes to').default([10, 100]).argParser(counts))
  .addOption(new Option('--peers <list>', 'that one node has links to').default([1_000, 4_000]).argParser(counts))
  .addOption(new Option('--nodes <list>', 'of simulated clusters').default([10, 100]).argParser(counts))
  .addOption(new Option('--minutes <n>', 'of virtual time that is simulated').default(10).argParser(positive))
  .addOption(
    new Option('--networks <list>', `between the two processes; with a prefix, by that network of Skein: ${networks.join(', ')}`)
      .default(['tcp', 'ipc'])
      .argParser(oneOf(networks)),
  )
  .addOption(
    new Option('--systems <list>', 'to compare with, as far as a bench knows them; none for Skein alone')
      .default(allSystems)
      .argParser((text) => {
        const names = oneOf([...allSystems, 'none'])(text);
        if (names.includes('none') && names.length > 1) throw new InvalidArgumentError('none leaves no others.');
        return names;
      }),
  )
  .addOption(new Option('--runs <n>', 'measurements of each').default(9).argParser(whole))
  .addOption(new Option('--seconds <n>', 'of each measurement').default(1).argParser(positive))
  .addOption(new Option('--warm-up <n>', 'seconds of each system before it is measured').default(2).argParser(positive))
  .addOption(new Option('--json <file>', 'where the rows go, in the place of those of the same benches and networks'))
  .addOption(
    new Option('--quick', 'a look at calls, casts and streams beside zeromq.js and node:net, in two minutes').implies({
      networks: ['tcp'],
      systems: ['zeromq', 'net'],
      windows: [1, 64, 1_000],
      credits: [256],
      runs: 5,
      seconds: 0.3,
    }),
  )
  .addOption(new Option('--compare <file>', 'rows of before: fails where a ratio fell by more than the tolerance'))
  .addOption(new Option('--tolerance <part>', 'of a ratio, which differs from run to run').default(0.3).argParser(part));

program.parse();
const options = program.opts<Options>();
const { quick, json } = options;
if (quick && program.args.length > 0) program.error('--quick has benches of its own: name none with it');
const asked = quick ? ['call', 'cast', 'stream'] : program.args.length > 0 ? program.args : ['call', 'cast'];
// Before anything is measured in vain, and before the file may be written anew.
const known = options.compare === undefined ? [] : readRows(options.compare);
if (json !== undefined) expectWritable(json);
const rows: AnyRow[] = [];
for (const bench of asked) {
  if (isOther(bench)) rows.push(...(await others[bench](options)));
  else rows.push(...(await beside(bench as Compared, options)));
}
if (json !== undefined) writeRows(json, rows);
if (options.compare !== undefined) compareWith(options.compare, known, rows, options.tolerance);
