import { MemoryRegistry } from '../adapters/matchmaker-memory/memory-registry.js';
import { Fabric } from '../adapters/memory/fabric.js';
import { SystemClock } from '../adapters/system/system-clock.js';

/** Where nodes of one process meet: those that are given the same hub find each other, and no others do. */
export class Hub {
  readonly fabric = new Fabric(new SystemClock());
  readonly registry = new MemoryRegistry();
}

const named = new Map<string, Hub>();

/** The hub of that name in this process: the one thing that nodes share without being handed it, for both must name it. */
export const hubNamed = (name: string): Hub => {
  const hub = named.get(name) ?? new Hub();
  named.set(name, hub);
  return hub;
};
