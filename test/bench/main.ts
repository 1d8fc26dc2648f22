import { readFileSync, writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  allSystems,
  compare,
  isAtRate,
  type Compared,
  type CompareOptions,
  type MissingRow,
  payloads,
  type Row,
} from './compare.js';
import { links, type LinksRow, showLinks } from './links.js';
import type { Role } from './messages.js';
import { changes, regressions, showChange } from './regress.js';
import { scale, type ScaleRow, showScale } from './scale.js';
import { showSimulated, simulateNodes, type SimulateRow } from './simulate.js';
import { showUpload, upload, uploadPayloads, type UploadRow } from './upload.js';

type Bench = Compared | 'upload' | 'links' | 'simulate' | 'scale';

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
const fanoutWindow = 16;

const list = (text: string): string[] => text.split(',').filter((part) => part !== '');
const counts = (text: string): number[] =>
  list(text).map((part) => {
    if (!/^[1-9]\d*$/.test(part)) throw new InvalidArgumentError(`${part} is no whole number from 1.`);
    return Number(part);
  });

const program = new Command('bench')
  .description(
    'Runs Skein and what one would use in its place side by side, two processes each, in turn; prints medians with least and most, and ' +
      "the medians of the runs' ratios. What a system needs and is not installed is named. Or times simulations.",
  )
  .argument('[benches...]', 'call, scattered, rate, mixed, payload, cast, fanout, stream, upload, links, simulate, scale', [
    'call',
    'cast',
  ])
  .addOption(new Option('--windows <list>', 'operations under way at once').default([1, 16, 64, 256, 1_000]).argParser(counts))
  .addOption(
    new Option('--credits <list>', 'items that a stream is ahead at the most').default([64, 256, 1_024]).argParser(counts),
  )
  .addOption(new Option('--rates <list>', 'operations that begin each second').default([10_000, 50_000]).argParser(counts))
  .addOption(new Option('--servers <list>', 'that each fanout goes to').default([10, 100]).argParser(counts))
  .addOption(new Option('--peers <list>', 'that one node has links to').default([1_000, 4_000]).argParser(counts))
  .addOption(new Option('--nodes <list>', 'of simulated clusters').default([10, 100]).argParser(counts))
  .addOption(new Option('--minutes <n>', 'of virtual time that is simulated').default(10).argParser(Number))
  .addOption(
    new Option(
      '--networks <list>',
      'tcp, ipc, and with the one or the other network of Skein: zmtp-tcp, zmtp-ipc, zmq-tcp, zmq-ipc',
    )
      .default(['tcp', 'ipc'])
      .argParser(list),
  )
  .addOption(new Option('--systems <list>', 'to compare with, as far as a bench knows them').default(allSystems).argParser(list))
  .addOption(new Option('--runs <n>', 'measurements of each').default(9).argParser(Number))
  .addOption(new Option('--seconds <n>', 'of each measurement').default(1).argParser(Number))
  .addOption(new Option('--json <file>', 'where the rows go'))
  .addOption(
    new Option('--quick', 'a look at calls, casts and streams beside zeromq.js and node:net, in half a minute').implies({
      networks: ['tcp'],
      systems: ['zeromq', 'net'],
      windows: [1, 64, 1_000],
      credits: [256],
      runs: 5,
      seconds: 0.3,
    }),
  )
  .addOption(new Option('--compare <file>', 'rows of before: fails where a ratio fell by more than the tolerance'))
  .addOption(new Option('--tolerance <part>', 'of a ratio, which differs from run to run').default(0.3).argParser(Number));

program.parse();
const options = program.opts<Options>();
const rows: (Row | MissingRow | UploadRow | LinksRow | SimulateRow | ScaleRow)[] = [];
const [asked] = program.processedArgs as [Bench[]];
for (const bench of options.quick ? (['call', 'cast', 'stream'] as const) : asked) {
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
  if (bench === 'links') {
    for (const network of options.networks) {
      for (const peers of options.peers) {
        const row = await links(network, peers, options.seconds);
        showLinks(row);
        rows.push(row);
      }
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
  const windows = isAtRate(bench)
    ? options.rates
    : ({ fanout: [fanoutWindow], stream: options.credits }[bench as string] ?? options.windows);
  for (const servers of bench === 'fanout' ? options.servers : [1]) {
    for (const network of options.networks) {
      for (const payloadBytes of payloads[bench]) {
        rows.push(...(await compare({ bench, network, payloadBytes, servers }, { ...options, windows })));
      }
    }
  }
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, undefined, 2)}\n`);
if (options.compare !== undefined) {
  const isCompared = (row: (typeof rows)[number]): row is Row | MissingRow => 'system' in row;
  const before = JSON.parse(readFileSync(options.compare, 'utf8')) as typeof rows;
  const all = changes(rows.filter(isCompared), before.filter(isCompared));
  for (const change of all) console.log(showChange(change));
  if (all.length === 0) throw new Error(`${options.compare} has nothing of what was measured`);
  const fallen = regressions(all, options.tolerance);
  if (fallen.length > 0) {
    console.error(`fell by more than ${String(options.tolerance * 100)} %:\n${fallen.map(showChange).join('\n')}`);
    process.exitCode = 1;
  }
}
