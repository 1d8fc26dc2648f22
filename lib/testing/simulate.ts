import { SystemRandom } from '../adapters/system/system-random.js';
import { limitMsDefault, settle, type SimulateOptions } from './options.js';
import { seeAgain } from './see-again.js';
import { explained, run } from './simulation.js';
import type { MarbleWorld, Scenario } from './world.js';

/**
 * Runs a scenario with real nodes, in virtual time, on a simulated network: all of it follows from the seed. Timers, dates and promises of
 * users' code are virtual too. Rejects with what the scenario or a program throws, or with a `ScenarioError` that shows where diagrams
 * part, or names what was left open.
 */
export const simulate = async (options: SimulateOptions, scenario: Scenario): Promise<void> => {
  const settled = settle(options, () => new SystemRandom().next());
  const error = await run(settled, scenario);
  if (error !== undefined) throw explained(error, `seed ${String(settled.seed)}; ${seeAgain(settled.seed)}`);
};

/**
 * Plays a test in virtual time, without a cluster: operators, and services that are handled alone. It may be async. Rejects with what the
 * test throws, or with a `ScenarioError` that shows where diagrams part, or what was left open.
 */
export const marbles = async (test: (world: MarbleWorld) => unknown): Promise<void> => {
  const error = await run({ seed: 1, limitMs: limitMsDefault, latencyMs: 0 }, test);
  if (error !== undefined) throw error;
};
