import { inspect } from 'node:util';
import { invalidArgument } from '../../core/errors.js';
import { settle, type SimulateOptions } from '../options.js';
import { seeAgain } from '../simulate.js';
import { explained, run } from '../simulation.js';
import type { Scenario } from '../world.js';
import { checkRanges, drawFaults, type Fault, type FaultRanges, planFaults } from './fault-plan.js';
import { shrink } from './shrink.js';

export interface ExploreOptions extends SimulateOptions {
  /** How many seeds are tried, from `seed` (default 1) on. */
  readonly seeds: number;
  /** What goes wrong by chance besides what the scenario says; default all there is. */
  readonly faults?: FaultRanges;
}

/**
 * Repeats a scenario over many seeds, with faults by chance. Rejects at the first seed that fails, with the fewest faults that still fail,
 * as diagrams to copy into a scenario, and how to see it again. With `SKEIN_SEED` in the environment that seed alone is run.
 * Messages take 0.1 to 5 ms, unless the options say otherwise.
 */
export const explore = async ({ seeds, faults = {}, ...options }: ExploreOptions, scenario: Scenario): Promise<void> => {
  if (!Number.isSafeInteger(seeds) || seeds < 1) {
    throw invalidArgument(`seeds must be a whole number from 1, and is ${inspect(seeds)}`);
  }
  checkRanges(faults);
  const isOne = process.env.SKEIN_SEED !== undefined;
  const first = settle({ latencyMs: [0.1, 5], ...options }, () => 0);
  const start = isOne ? first.seed : (options.seed ?? 1);
  for (let seed = start; seed < start + (isOne ? 1 : seeds); seed += 1) {
    const settled = { ...first, seed };
    let planned: readonly Fault[] = [];
    const error = await run(settled, scenario, (nodes) => (planned = planFaults(seed, faults, nodes)));
    if (error === undefined) continue;
    let worst = error;
    const fewest = await shrink(planned, async (fewer) => {
      const again = await run(settled, scenario, () => fewer);
      if (again !== undefined) worst = again;
      return again !== undefined;
    });
    const how = fewest.length === 0 ? 'without any fault' : `with these faults:\n\n${drawFaults(fewest)}\n\n`;
    throw explained(worst, `seed ${String(seed)} fails ${how}${fewest.length === 0 ? '; ' : ''}${seeAgain(seed)}`);
  }
};
