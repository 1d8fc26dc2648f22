import type { Fault } from './fault-plan.js';

/** The fewest faults with which it still fails, each as short and as round as it can be; `fails` runs it, so many times at the most. */
export const shrink = async (
  faults: readonly Fault[],
  fails: (faults: readonly Fault[]) => Promise<boolean>,
  triesMax = 100,
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
  for (let size = Math.ceil(fewest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < fewest.length;) {
      const without = [...fewest.slice(0, from), ...fewest.slice(from + size)];
      if (!(await attempt(without))) from += size;
    }
  }
  for (let i = 0; i < fewest.length; i += 1) {
    for (const simpler of simplerThan(fewest[i] as Fault)) {
      if (await attempt(fewest.map((fault, at) => (at === i ? simpler : fault)))) break;
    }
  }
  return fewest;
};

/** The simplest first. */
const simplerThan = (fault: Fault): readonly Fault[] => {
  const rounded = [10_000, 1_000, 100].map((unit) => ({
    ...fault,
    atMs: Math.round(fault.atMs / unit) * unit,
    forMs: Math.max(unit, Math.round(fault.forMs / unit) * unit),
  }));
  return rounded.filter(({ atMs, forMs }) => atMs !== fault.atMs || forMs !== fault.forMs);
};
