import { inspect } from 'node:util';
import { invalidArgument } from '../../core/errors.js';
import { seedInEnvironment, settle, type Settled, type SimulateOptions } from '../options.js';
import { seeAgain } from '../see-again.js';
import { ScenarioError } from '../play.js';
import { explained, type PlanFaults, run } from '../simulation.js';
import type { Scenario } from '../world.js';
import { checkRanges, drawFaults, type Fault, type FaultRanges, planFaults, rangesDefault } from './fault-plan.js';
import { blurred } from './invariants.js';
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
  const only = seedInEnvironment();
  const isFaultless = faults.count?.[1] === 0 || faults.kinds?.length === 0;
  const first = settle({ latencyMs: [0.1, 5], ...options }, () => 0);
  const start = only ?? options.seed ?? 1;
  if (!Number.isSafeInteger(start + seeds)) {
    throw invalidArgument(`there are no ${inspect(seeds)} seeds from ${inspect(start)} on`);
  }
  for (let seed = start; seed < start + (only === undefined ? seeds : 1); seed += 1) {
    const settled = { ...first, seed };
    let planned: readonly Fault[] = [];
    let isPlanned = isFaultless;
    const plan: PlanFaults = (nodes) => {
      planned = planFaults(seed, faults, nodes);
      isPlanned = true;
      return planned;
    };
    const error = await run(settled, scenario, isFaultless ? undefined : plan);
    // Without a plan the options are wrong, or the scenario did not come as far.
    if (error && !isPlanned) throw explained(error, `seed ${String(seed)}; ${seeAgain(seed)}`);
    if (error) throw await explain(settled, scenario, planned, faults, error);
  }
};

/** The error of the fewest faults that bring it about, with all that one needs to see it again. */
const explain = async (
  settled: Settled,
  scenario: Scenario,
  planned: readonly Fault[],
  { atMs: [atMsMin] = rangesDefault.atMs, forMs: [forMsMin] = rangesDefault.forMs }: FaultRanges,
  error: Error,
): Promise<Error> => {
  const { seed } = settled;
  let shown = error;
  const failsAlike = async (faults: readonly Fault[]): Promise<boolean> => {
    const again = await run(settled, scenario, planned.length === 0 ? undefined : () => faults);
    // Another failure is another bug.
    if (!again || kindOf(again) !== kindOf(error)) return false;
    shown = again;
    return true;
  };
  if (!(await failsAlike(planned))) {
    return explained(
      error,
      `seed ${String(seed)} fails, and not so a second time: something in the scenario does not follow from its seed`,
    );
  }
  const fewest = await shrink(planned, failsAlike, { atMsMin, forMsMin });
  const how = fewest.length === 0 ? 'without any fault; ' : `with these faults:\n\n${drawFaults(fewest)}\n\n`;
  return explained(shown, `seed ${String(seed)} fails ${how}${seeAgain(seed)}`);
};

/** What is the same in two failures by one bug; its first line, where nothing better is known, whatever the numbers in it. */
const kindOf = (error: Error): string =>
  (error instanceof ScenarioError ? error.bug : undefined) ?? blurred(`${error.name} ${error.message.split('\n', 1)[0] ?? ''}`);
