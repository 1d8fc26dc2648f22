import type { SimWorld, Ways } from '../../adapters/sim/sim-world.js';
import type { Latency } from '../../adapters/sim/sim-route.js';
import { invalidArgument } from '../../core/errors.js';
import type { Node } from '../../node/node.js';
import { durationMs } from '../marbles/diagram.js';

/** Two hosts, and whether both directions between them are meant, or the one from the first to the second. */
export interface Path {
  readonly from: string;
  readonly to: string;
  readonly ways: Ways;
}

export type LinkFault = (sim: SimWorld, path: Path) => void;

/** What faults do to a node. */
export interface Afflicted {
  kill(): void;
  start(): unknown;
  pause(): void;
  resume(): void;
  leave(go: (node: Node) => Promise<unknown>): unknown;
  jump(ms: number): void;
}

/** Gives a promise where it lasts: a start, until its program has done what it does at first. */
export type NodeFault = (node: Afflicted) => unknown;

/** What faults do to the directory, as one node sees it. */
export interface AfflictedDirectory {
  fail(): void;
  restore(): void;
  set isStale(isStale: boolean);
}

export type DirectoryFault = (directory: AfflictedDirectory) => void;

/** By their letters: how they are written, and what is meant by what stands behind the letter. */
type Vocabulary<F> = Readonly<Record<string, readonly [form: string, read: (rest: string) => F | undefined]>>;

/** Nothing may stand behind the letter. */
const alone =
  <F>(fault: F) =>
  (rest: string): F | undefined =>
    rest === '' ? fault : undefined;

const withIt =
  <T, F>(read: (rest: string) => T | undefined, make: (value: T) => F) =>
  (rest: string): F | undefined => {
    const value = read(rest);
    return value === undefined ? undefined : make(value);
  };

/** `50ms`, or anything from `10ms..50ms`. */
const latency = (text: string): Latency | undefined => {
  const [min, max, more] = text.split('..').map(durationMs);
  if (min === undefined || more !== undefined) return undefined;
  if (!text.includes('..')) return min;
  return max === undefined || max < min ? undefined : [min, max];
};

/** `5s`, or `<5s` for back. */
const leap = (text: string): number | undefined => {
  const ms = durationMs(text.replace(/^</, ''));
  return ms !== undefined && text.startsWith('<') ? -ms : ms;
};

const percentage = (text: string): number | undefined => {
  const number = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1] ?? NaN);
  return number <= 100 ? number / 100 : undefined;
};

const count = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

const linkFaults: Vocabulary<LinkFault> = {
  x: ['x (cut)', alone((sim, { from, to, ways }) => (ways === 'both' ? sim.cut(from, to) : sim.cutOneWay(from, to)))],
  o: ['o (heal)', alone((sim, { from, to, ways }) => (ways === 'both' ? sim.heal(from, to) : sim.healOneWay(from, to)))],
  b: ['b (break its wires)', alone((sim, { from, to }) => sim.break(from, to))],
  d: [
    'd50ms or d10ms..50ms (delay), d (as at first)',
    (rest) => {
      const ms = latency(rest);
      if (ms === undefined && rest !== '') return undefined;
      return (sim, { from, to, ways }) => sim.setLatency(from, to, ms, ways);
    },
  ],
  l: [
    'l10% (lose)',
    withIt(
      percentage,
      (share) =>
        (sim: SimWorld, { from, to, ways }: Path) =>
          sim.setLoss(from, to, share, ways),
    ),
  ],
  n: [
    'n3 (lose the next 3)',
    withIt(
      count,
      (next) =>
        (sim: SimWorld, { from, to, ways }: Path) =>
          sim.drop(from, to, next, ways),
    ),
  ],
};

const nodeFaults: Vocabulary<NodeFault> = {
  k: ['k (kill)', alone((node) => node.kill())],
  s: ['s (start)', alone((node) => node.start())],
  p: ['p (pause)', alone((node) => node.pause())],
  r: ['r (resume)', alone((node) => node.resume())],
  q: ['q (drain, and quit)', alone((node) => node.leave((running) => running.drain()))],
  j: ['j5s (its clock jumps), j<5s (back)', withIt(leap, (ms) => (node: Afflicted) => node.jump(ms))],
};

const directoryFaults: Vocabulary<DirectoryFault> = {
  x: ['x (out of reach)', alone((directory) => directory.fail())],
  o: ['o (back)', alone((directory) => directory.restore())],
  f: ['f (frozen: it tells of no change)', alone((directory) => (directory.isStale = true))],
  t: ['t (thawed)', alone((directory) => (directory.isStale = false))],
};

const reader =
  <F>(what: string, vocabulary: Vocabulary<F>) =>
  (token: string): F => {
    const [letter, rest] = [token.slice(0, 1), token.slice(1)];
    const fault = Object.hasOwn(vocabulary, letter) ? vocabulary[letter]?.[1](rest) : undefined;
    if (fault !== undefined) return fault;
    const forms = Object.values(vocabulary).map(([form]) => form);
    throw invalidArgument(`"${token}" is no fault of ${what}: there are ${forms.join(', ')}`);
  };

export const readLinkFault = reader('a link', linkFaults);
export const readNodeFault = reader('a node', nodeFaults);
export const readDirectoryFault = reader('the directory', directoryFaults);

/** `a>b` is the direction from a to b, `a<>b` both. */
export const readPath = (text: string): Path => {
  const [, from = '', arrow, to = ''] = /^([^<>\s]+)(<?>)([^<>\s]+)$/.exec(text) ?? [];
  if (from === '' || from === to) {
    throw invalidArgument(`"${text}" is no path: write "a>b" for one direction, or "a<>b" for both`);
  }
  return { from, to, ways: arrow === '>' ? 'one' : 'both' };
};
