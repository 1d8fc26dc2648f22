import type { Overflow } from './overflow.js';

/** A buffer as it is shown: what waits in it, how much may, what becomes of one more, and how many it has let go of. */
export interface Backlog {
  /** What it is for. */
  readonly name: string;
  readonly depth: number;
  readonly max: number;
  readonly overflow: Overflow;
  readonly dropped: number;
}

/** A queue that refuses what is too much, as it is shown. */
export const backlogOf = (name: string, { size, max }: { readonly size: number; readonly max: number }): Backlog => ({
  name,
  depth: size,
  max,
  overflow: 'fail',
  dropped: 0,
});

/** Those of one name and rule as one. */
export const sumUp = (backlogs: Iterable<Backlog>): readonly Backlog[] => {
  const sums = new Map<string, Backlog>();
  for (const backlog of backlogs) {
    const key = `${backlog.name} ${backlog.overflow}`;
    const { depth = 0, max = 0, dropped = 0 } = sums.get(key) ?? {};
    sums.set(key, {
      ...backlog,
      depth: depth + backlog.depth,
      max: max + backlog.max,
      dropped: dropped + backlog.dropped,
    });
  }
  return [...sums.values()];
};
