import type { Fault } from './fault-plan.js';

export interface ShrinkOptions {
  /** No fault begins before that, 0 by default, or lasts for less, 100 by default. */
  readonly atMsMin?: number;
  readonly forMsMin?: number;
  /** How often it is tried at the most; 200 by default. */
  readonly triesMax?: number;
}

/** The fewest faults with which it still fails, each as early, short and round as it can be; `fails` runs it. */
export const shrink = async (
  faults: readonly Fault[],
  fails: (faults: readonly Fault[]) => Promise<boolean>,
  { atMsMin = 0, forMsMin = 100, triesMax = 200 }: ShrinkOptions = {},
): Promise<readonly Fault[]> => {
  let left = triesMax;
  let fewest = faults;
  const attempt = async (fewer: readonly Fault[]): Promise<boolean> => {
    if (left === 0) return false;
    left -= 1;
    if (!(await fails(fewer))) return false;
    fewest = fewer;
    return true;
  };
  const leaveOut = async (): Promise<void> => {
    for (let size = Math.ceil(fewest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < fewest.length;) {
        const without = [...fewest.slice(0, from), ...fewest.slice(from + size)];
        if (!(await attempt(without))) from += size;
      }
    }
  };
  const simplify = async (): Promise<void> => {
    for (let i = 0; i < fewest.length; i += 1) {
      for (const simpler of simplerThan(fewest[i] as Fault, atMsMin, forMsMin)) {
        if (await attempt(fewest.map((fault, at) => (at === i ? simpler : fault)))) break;
      }
    }
  };
  // A simpler fault may do without another one.
  for (let before: readonly Fault[] | undefined; before !== fewest && left > 0;) {
    before = fewest;
    await leaveOut();
    await simplify();
  }
  return fewest;
};

/** The simplest first; none is later or longer. */
const simplerThan = (fault: Fault, atMsMin: number, forMsMin: number): readonly Fault[] => [
  ...lessThan(fault.atMs, atMsMin).map((atMs) => ({ ...fault, atMs })),
  ...lessThan(fault.forMs, forMsMin).map((forMs) => ({ ...fault, forMs })),
];

/** The least that it may be, half of it, and rounder times. */
const lessThan = (ms: number, min: number): readonly number[] => {
  const round = (time: number, unit: number): number => Math.floor(time / unit) * unit;
  const times = [min, round(ms / 2, 100), ...[10_000, 1_000, 100].map((unit) => round(ms, unit))];
  return [...new Set(times)].filter((time) => time >= min && time < ms);
};
