import { VirtualClock } from '../adapters/sim/virtual-clock.js';
import type { Clock } from '../ports/clock.js';
import type { Expectations } from './marbles/expectations.js';
import type { Sources } from './marbles/sources.js';
import { limitMsDefault } from './options.js';
import { play, type Stage } from './play.js';

/** What marble tests are written with: sources that emit by diagrams, and what is expected, said by diagrams. One frame is 1 ms. */
export interface MarbleWorld
  extends
    Pick<Sources, 'hot' | 'cold' | 'stream'>,
    Pick<Expectations, 'expectObservable' | 'expectSubscriptions' | 'expectDemand'> {
  /** The scenario's time, for operators that take a scheduler. */
  readonly clock: Clock;
}

export const marbleWorld = ({ clock, sources, expectations }: Stage): MarbleWorld => ({
  clock,
  hot: sources.hot,
  cold: sources.cold,
  stream: sources.stream,
  expectObservable: expectations.expectObservable,
  expectSubscriptions: expectations.expectSubscriptions,
  expectDemand: expectations.expectDemand,
});

const nobody = {
  ready: () => Promise.resolve(),
  close: () => Promise.resolve([]),
  rest: () => Promise.resolve([]),
  abandon: () => Promise.resolve(),
};

/**
 * Plays a test in virtual time, without any node: operators, and services that are handled alone. It may be async. Rejects with what the
 * test throws, or with a `ScenarioError` that shows where diagrams part, or what was left open.
 */
export const marbles = (test: (world: MarbleWorld) => unknown): Promise<void> =>
  play(new VirtualClock(), limitMsDefault, (stage) => ({ ...nobody, act: () => test(marbleWorld(stage)) }));
