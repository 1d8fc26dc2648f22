import { SeededRandom } from '../../adapters/sim/seeded-random.js';
import { invalidArgument } from '../../core/errors.js';
import { formatMs } from '../marbles/draw.js';

/** What can go wrong by chance: processes, links, the directory, clocks. */
export type FaultKind = 'kill' | 'drain' | 'pause' | 'jump' | 'cut' | 'delay' | 'loss' | 'break' | 'outage' | 'stale';

/** What faults there are to be, all of them by chance. */
export interface FaultRanges {
  /** Default all. */
  readonly kinds?: readonly FaultKind[];
  /** How many; default 1 to 6. */
  readonly count?: readonly [min: number, max: number];
  /** When they begin, in ms; default 0 to 30,000. */
  readonly atMs?: readonly [min: number, max: number];
  /** How long each lasts, in ms; default 100 to 10,000. Nodes that were killed or have left start again, and what is cut is healed. */
  readonly forMs?: readonly [min: number, max: number];
  /** The nodes that may be killed, drained, paused or told a wrong time; default all. Links are those between any two. */
  readonly nodes?: readonly string[];
}

export const rangesDefault = { count: [1, 6], atMs: [0, 30_000], forMs: [100, 10_000] } as const;

/** One fault from its beginning to its end: where, and what. */
export interface Fault {
  /** A node, `a<>b` or `a>b`, or `directory of a`. */
  readonly where: string;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** How bad it is, from 0 to 1. */
  readonly degree: number;
}

const kinds: readonly FaultKind[] = ['kill', 'drain', 'pause', 'jump', 'cut', 'delay', 'loss', 'break', 'outage', 'stale'];
const onNodes: readonly FaultKind[] = ['kill', 'drain', 'pause', 'jump'];
const onDirectory: readonly FaultKind[] = ['outage', 'stale'];

/** How each begins and ends, as a diagram says it. */
const signs: { readonly [K in FaultKind]: (degree: number) => readonly [begin: string, end?: string] } = {
  kill: () => ['k', 's'],
  drain: () => ['q', 's'],
  pause: () => ['p', 'r'],
  jump: (degree) => [`j${String(Math.ceil(degree * 60))}s`],
  cut: () => ['x', 'o'],
  delay: (degree) => [`d1ms..${String(Math.ceil(degree * 500) + 1)}ms`, 'd'],
  loss: (degree) => [`l${String(Math.ceil(degree * 30))}%`, 'l0%'],
  break: () => ['b'],
  outage: () => ['x', 'o'],
  stale: () => ['f', 't'],
};

/** Throws `invalid-argument`. */
export const checkRanges = (ranges: FaultRanges): void => {
  const problems = [
    ...(ranges.kinds ?? [])
      .filter((kind) => !kinds.includes(kind))
      .map((kind) => `there are no faults of ${kind}: ${kinds.join(', ')}`),
    ...(['count', 'atMs', 'forMs'] as const).flatMap((name) => {
      const range: unknown = ranges[name] ?? [0, 0];
      const [min, max] = Array.isArray(range) ? (range as number[]) : [];
      return min !== undefined && max !== undefined && min >= 0 && max >= min && max < Infinity
        ? []
        : [`${name} must be two numbers from 0, the second no less than the first`];
    }),
  ];
  if (problems.length > 0) throw invalidArgument(...problems);
};

/** The faults of a seed, in the order in which they begin. */
export const planFaults = (seed: number, ranges: FaultRanges, nodes: readonly string[]): readonly Fault[] => {
  // Not the very numbers by which the world itself goes.
  const random = new SeededRandom(seed ^ 0x5eed);
  const between = ([min, max]: readonly [number, number]): number => min + random.next() * (max - min);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  const pausable = ranges.nodes ?? nodes;
  const unknown = pausable.find((name) => !nodes.includes(name));
  if (unknown !== undefined) throw invalidArgument(`faults.nodes names ${unknown}, and there is no node of that name`);
  const usable = (ranges.kinds ?? kinds).filter(
    (kind) => (onNodes.includes(kind) ? pausable : nodes).length > (isOnLink(kind) ? 1 : 0),
  );
  if (usable.length === 0) return [];
  const whereOf = (kind: FaultKind): string => {
    if (onNodes.includes(kind)) return pick(pausable);
    if (onDirectory.includes(kind)) return `directory of ${pick(nodes)}`;
    const from = pick(nodes);
    const to = pick(nodes.filter((name) => name !== from));
    return kind === 'break' || random.next() < 0.7 ? `${from}<>${to}` : `${from}>${to}`;
  };
  const count = Math.round(between(ranges.count ?? rangesDefault.count));
  const faults = Array.from({ length: count }, (): Fault => {
    const kind = pick(usable);
    const [atMs, forMs] = [
      Math.round(between(ranges.atMs ?? rangesDefault.atMs)),
      Math.round(between(ranges.forMs ?? rangesDefault.forMs)),
    ];
    return { kind, where: whereOf(kind), atMs, forMs, degree: random.next() };
  });
  return faults.sort((a, b) => a.atMs - b.atMs);
};

const isOnLink = (kind: FaultKind): boolean => !onNodes.includes(kind) && !onDirectory.includes(kind);

/** As one diagram of its own. */
export const diagramOf = ({ kind, atMs, forMs, degree }: Fault): string => {
  const [begin, end] = signs[kind](degree);
  const start = atMs === 0 ? begin : `${formatMs(atMs)} ${begin}`;
  return end === undefined ? start : `${start} ${formatMs(forMs)} ${end}`;
};

/** All of them, one a line. */
export const drawFaults = (faults: readonly Fault[]): string => {
  const width = Math.max(0, ...faults.map(({ where }) => where.length));
  return faults.map((fault) => `  ${fault.where.padEnd(width)}  ${diagramOf(fault)}`).join('\n');
};
