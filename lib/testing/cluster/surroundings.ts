import type { MemoryRegistry } from '../../adapters/matchmaker-memory/memory-registry.js';
import type { SimWorld } from '../../adapters/sim/sim-world.js';

/** Where processes run. */
export interface Surroundings {
  readonly sim: SimWorld;
  readonly registry: MemoryRegistry;
}
