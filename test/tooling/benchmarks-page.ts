import { isAtRate, type MissingRow, ratiosTo, type Row } from '../bench/compare.js';
import type { ColdRow } from '../bench/cold.js';
import type { InProcessRow } from '../bench/in-process.js';
import type { LinksRow } from '../bench/links.js';
import { median } from '../bench/pace.js';
import { type SoakRow, sumUp } from '../bench/soak.js';
import type { UploadRow } from '../bench/upload.js';
import { logChart, markdownTable } from './pages.js';

type AnyRow = Row | MissingRow | UploadRow | ColdRow | InProcessRow | LinksRow | SoakRow;

const isCompared = (row: AnyRow): row is Row | MissingRow => 'window' in row && 'system' in row;
const isMeasured = (row: AnyRow): row is Row => isCompared(row) && !('missing' in row);

const names: Readonly<Record<Row['system'], string>> = {
  skein: 'Skein',
  zeromq: 'zeromq.js',
  'zeromq-acks': 'zeromq.js with acks',
  libzmq: 'libzmq in C',
  net: 'node:net, JSON in lines',
  moleculer: 'Moleculer, TCP',
  nats: 'NATS',
  rabbitmq: 'RabbitMQ, direct reply-to',
  grpc: 'gRPC, @grpc/grpc-js',
};

const titles: Readonly<Record<Row['bench'], string>> = {
  call: 'Calls',
  scattered: 'Calls of callers that each go on in a turn of their own',
  rate: 'Calls that begin at a rate, whatever becomes of the others',
  mixed: 'Eight calls, a cast and a stream of ten items, each beginning at a rate',
  payload: 'Calls with bytes, there and back',
  cast: 'Casts',
  fanout: 'Fanouts',
  stream: 'Streams from server to client',
};

/** What the window is of each of them. */
const windows: Readonly<Partial<Record<Row['bench'], string>>> = { rate: 'Calls/s', mixed: 'Operations/s', stream: 'Credit' };

/** Calls a second by how many are under way, of every system. */
export const callChart = (rows: readonly AnyRow[]): string => {
  const calls = rows.filter(isMeasured).filter(({ bench, network }) => bench === 'call' && network === 'tcp');
  const systems = [...new Set(calls.map(({ system }) => system))];
  const lines = systems.map((system) => [
    names[system],
    calls.filter((row) => row.system === system).map(({ window, opsPerSecond }) => [window, opsPerSecond] as const),
  ]);
  return logChart({
    title: 'Calls a second over TCP, by how many are under way',
    x: 'calls under way',
    y: 'calls a second',
    lines: Object.fromEntries(lines) as Parameters<typeof logChart>[0]['lines'],
  });
};

/** A table of each bench, with all systems on the same work below each other. */
export const tables = (rows: readonly AnyRow[]): string => {
  const compared = rows.filter(isCompared);
  const benches = [...new Set(compared.map(({ bench }) => bench))];
  const of = <B extends AnyRow['bench']>(bench: B) =>
    rows.filter((row): row is AnyRow & { readonly bench: B } => row.bench === bench);
  const section = <R>(title: string, all: readonly R[], table: (all: readonly R[]) => string): readonly string[] =>
    all.length === 0 ? [] : [`### ${title}\n\n${table(all)}`];
  return [
    ...benches.map((bench) => `### ${titles[bench]}\n\n${tableOf(bench, compared)}`),
    ...section('Calls beside uploads', of('upload'), uploadTable),
    ...section('The first reply of a new process', of('cold'), coldTable),
    ...section('Calls within one process', of('in-process'), inProcessTable),
    ...section('One node with links to many', of('links'), linksTable),
    ...section('Calls at half of what can be kept up, for minutes', of('soak'), soakTable),
  ].join('\n');
};

const tableOf = (bench: Row['bench'], all: readonly (Row | MissingRow)[]): string => {
  const rows = all.filter((row) => row.bench === bench);
  const ifMeasured = (show: (row: Row) => string) => (row: Row | MissingRow) => (isMeasured(row) ? show(row) : '');
  const hasTimes = rows.some((row) => isMeasured(row) && row.p50Us > 0);
  const columns: Record<string, (row: Row | MissingRow) => string> = {
    Network: ({ network }) => network,
    ...(bench === 'fanout' && { Servers: ({ servers }) => whole(servers) }),
    [windows[bench] ?? 'Under way']: ({ window }) => whole(window),
    Bytes: ({ payloadBytes }) => whole(payloadBytes),
    System: ({ system }) => names[system],
    'A second': (row) => (isMeasured(row) ? `${whole(row.opsPerSecond)} (${rangeOf(row.runs)})` : 'not measured'),
    ...(hasTimes && { 'p50, µs': ifMeasured(({ p50Us }) => whole(p50Us)), 'p99, µs': ifMeasured(({ p99Us }) => whole(p99Us)) }),
    'CPU, µs': ifMeasured(({ cpuUsPerOp }) => (cpuUsPerOp > 0 ? cpuUsPerOp.toFixed(1) : '')),
    'Skein is': ifMeasured((row) => ratio(row, rows)),
  };
  return markdownTable(columns, rows);
};

const ratio = (row: Row, rows: readonly (Row | MissingRow)[]): string => {
  if (row.system === 'skein') return '';
  const isOfSameWork = (other: Row | MissingRow): boolean =>
    (['network', 'window', 'payloadBytes', 'servers'] as const).every((key) => other[key] === row[key]);
  const skein = rows.find((other) => other.system === 'skein' && isOfSameWork(other));
  if (!skein || !isMeasured(skein)) return '';
  if (isAtRate(row.bench)) return `p50 ${times(skein.p50Us / row.p50Us)}, p99 ${times(skein.p99Us / row.p99Us)}`;
  return times(median(ratiosTo(row, skein)));
};

const uploadTable = (rows: readonly UploadRow[]): string => {
  const of = (row: UploadRow, key: keyof UploadRow['runs'][number]): number => median(row.runs.map((run) => run[key]));
  return markdownTable<UploadRow>(
    {
      Network: ({ network }) => network,
      'Items of': ({ payloadBytes }) => `${whole(payloadBytes / 1_024)} KiB`,
      'MiB/s': (row) => whole(of(row, 'mibPerSecond')),
      'p50 of calls, idle, µs': (row) => whole(of(row, 'idleP50Us')),
      'p99, idle, µs': (row) => whole(of(row, 'idleP99Us')),
      'p50 beside, µs': (row) => whole(of(row, 'besideP50Us')),
      'p99 beside, µs': (row) => whole(of(row, 'besideP99Us')),
      'p99 of other processes, µs': (row) => whole(of(row, 'elsewhereP99Us')),
      'p99 is': ({ runs }) => times(median(runs.map(({ idleP99Us, besideP99Us }) => besideP99Us / idleP99Us))),
    },
    rows,
  );
};

const coldTable = (rows: readonly ColdRow[]): string =>
  markdownTable<ColdRow>(
    {
      Network: ({ network }) => network,
      System: ({ system }) => names[system],
      'ms from the start of the process': ({ firstReplyMs }) => `${whole(median(firstReplyMs))} (${rangeOf(firstReplyMs)})`,
    },
    rows,
  );

const inProcessTable = (rows: readonly InProcessRow[]): string =>
  markdownTable<InProcessRow>(
    {
      '`inProcess`': ({ passes }) => passes,
      'Under way': ({ window }) => whole(window),
      'Calls a second': ({ callsPerSecond }) => `${whole(median(callsPerSecond))} (${rangeOf(callsPerSecond)})`,
      '`firstValueFrom(of(x))` a second': ({ yardstickPerSecond }) => whole(median(yardstickPerSecond)),
    },
    rows,
  );

const soakTable = (rows: readonly SoakRow[]): string => {
  const sides = rows.flatMap((row) => (['server', 'client'] as const).map((side) => ({ row, side, ...sumUp(row, side) })));
  const of = ({ stretches }: SoakRow, key: 'p50Us' | 'p99Us'): string => whole(median(stretches.map((stretch) => stretch[key])));
  return markdownTable<(typeof sides)[number]>(
    {
      Network: ({ row }) => row.network,
      'Calls/s': ({ row }) => whole(row.rate),
      Minutes: ({ row }) => ((row.stretches.length * row.seconds) / 60).toFixed(1),
      'p50, p99, slowest, µs': ({ row }) =>
        `${of(row, 'p50Us')}, ${of(row, 'p99Us')}, ${whole(Math.max(...row.stretches.map(({ worstUs }) => worstUs)))}`,
      Process: ({ side }) => side,
      'Heap at first, at last, at most, MiB': ({ heapFirstMiB, heapLastMiB, heapMostMiB }) =>
        [heapFirstMiB, heapLastMiB, heapMostMiB].map((mib) => mib.toFixed(1)).join(', '),
      'Event loop p99, ms': ({ loopP99Ms }) => loopP99Ms.toFixed(1),
    },
    sides,
  );
};

const linksTable = (rows: readonly LinksRow[]): string =>
  markdownTable<LinksRow>(
    {
      Network: ({ network }) => network,
      Peers: ({ peers }) => whole(peers),
      'All answered after, ms': ({ connectMs }) => whole(connectMs),
      'after the last connected': ({ readyMs }) => whole(readyMs),
      'KiB each': ({ kibPerPeer }) => kibPerPeer.toFixed(1),
      'Descriptors each': ({ descriptorsPerPeer }) => descriptorsPerPeer.toFixed(2),
      'CPU while idle': ({ idleCpuPercent }) => `${idleCpuPercent.toFixed(1)} %`,
      'Deliveries of fanouts/s': ({ deliveriesPerSecond }) => whole(deliveriesPerSecond),
      'p50, p99 of calls, µs': ({ p50Us, p99Us }) => `${whole(p50Us)}, ${whole(p99Us)}`,
      'beside 10 % that died': ({ besideDeadP50Us, besideDeadP99Us }) => `${whole(besideDeadP50Us)}, ${whole(besideDeadP99Us)}`,
    },
    rows,
  );

const times = (value: number): string => `${value.toFixed(2)} ×`;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const rangeOf = (runs: readonly number[]): string => `${whole(Math.min(...runs))}–${whole(Math.max(...runs))}`;
