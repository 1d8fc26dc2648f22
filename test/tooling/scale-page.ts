import type { ScaleRow } from '../bench/scale.js';
import { logChart, markdownTable } from './pages.js';

type Figure = (row: ScaleRow) => number;

/** What each chart shows: its title, what its axis counts, and its lines. */
const charts: {
  readonly [name in 'convergence' | 'load' | 'cost']: {
    readonly title: string;
    readonly unit: string;
    readonly lines: Readonly<Record<string, Figure>>;
  };
} = {
  convergence: {
    title: 'Until every node knows exactly the servers that are there',
    unit: 'virtual ms',
    lines: {
      'after the loss of a tenth': ({ lostMs }) => lostMs,
      'after its return': ({ returnedMs }) => returnedMs,
      'after the last start': ({ startedMs }) => startedMs,
    },
  },
  load: {
    title: 'What goes on, a node',
    unit: 'a node',
    lines: {
      'entries told by the directory, in all': ({ entriesToldPerNode }) => entriesToldPerNode,
      'sets told by the directory, in all': ({ setsToldPerNode }) => setsToldPerNode,
      'messages a second': ({ messagesPerSecond, nodes }) => messagesPerSecond / nodes,
      wires: ({ wires, nodes }) => wires / nodes,
    },
  },
  cost: {
    title: 'What the simulation costs',
    unit: '',
    lines: {
      'KiB of heap a node': ({ heapKiBPerNode }) => heapKiBPerNode,
      'µs of wall time an event': ({ wallMs, events }) => (wallMs * 1_000) / events,
    },
  },
};

export const chart = (name: keyof typeof charts, rows: readonly ScaleRow[]): string => {
  const { title, unit, lines } = charts[name];
  const points = Object.entries(lines).map(([line, figure]) => [line, rows.map((row) => [row.nodes, figure(row)] as const)]);
  return logChart({ title, x: 'nodes', y: unit, lines: Object.fromEntries(points) as Parameters<typeof logChart>[0]['lines'] });
};

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

const columns: Readonly<Record<string, (row: ScaleRow) => string>> = {
  Nodes: ({ nodes }) => whole(nodes),
  Services: ({ services }) => whole(services),
  'All known after start': ({ startedMs }) => seconds(startedMs),
  'after loss': ({ lostMs }) => seconds(lostMs),
  'after return': ({ returnedMs }) => seconds(returnedMs),
  Wires: ({ wires }) => whole(wires),
  'Messages/s': ({ messagesPerSecond }) => whole(messagesPerSecond),
  'Calls/s': ({ callsPerSecond }) => whole(callsPerSecond),
  'Calls failed': ({ calls, callsFailed }) => `${whole(callsFailed)} of ${whole(calls)}`,
  'Fanouts broken': ({ fanouts, fanoutsBroken }) => `${whole(fanoutsBroken)} of ${whole(fanouts)}`,
  'Entries told a node': ({ entriesToldPerNode }) => whole(entriesToldPerNode),
  'KiB a node': ({ heapKiBPerNode }) => whole(heapKiBPerNode),
  'µs an event': ({ wallMs, events }) => ((wallMs * 1_000) / events).toFixed(1),
};

/** All figures. */
export const table = (rows: readonly ScaleRow[]): string => markdownTable(columns, rows);
