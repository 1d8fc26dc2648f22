export type { HostOptions } from './testing/cluster/sim-process.js';
export { type MarbleWorld, marbles } from './testing/marble-test.js';
export type { Expectation } from './testing/marbles/expectations.js';
export type { Values } from './testing/marbles/seen.js';
export type { Program } from './testing/nodes/member.js';
export type { SimNode } from './testing/nodes/sim-node.js';
export type { SimulateOptions } from './testing/options.js';
export { ScenarioError } from './testing/play.js';
export { type Scenario, simulate, type World } from './testing/simulate.js';
