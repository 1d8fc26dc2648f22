import { timer } from 'rxjs';
import { expect } from 'vitest';
import { SimCluster } from '../../lib/testing/cluster/sim-cluster.js';
import { type Cluster, type Line, recorder } from './cluster.js';

/** In a simulated world, in virtual time. */
export const simCluster = (): Promise<Cluster> => {
  const world = new SimCluster({ seed: 1 });
  const { sim, registry } = world;
  const lines: Line[] = [];
  return Promise.resolve({
    node: (name, options) => world.start(name, { logger: recorder(lines), ...options }),
    serve: (node, contract, handlers, options) => world.settle(node.serve(contract, handlers, options)),
    settle: (promise) => world.settle(promise),
    pass: (ms) => world.pass(ms),
    now: () => world.now(),
    after: (ms) =>
      new Promise((resolve) => {
        timer(ms, sim.clock).subscribe(() => resolve());
      }),
    lines,
    faults: {
      kill: (name, leaseMs) => world.kill(name, leaseMs),
      cut: (a, b) => sim.cut(a, b),
      heal: (a, b) => sim.heal(a, b),
      break: (a, b) => sim.break(a, b),
      setLatency: (a, b, latencyMs) => sim.setLatency(a, b, latencyMs),
      outage: () => registry.fail(),
      restore: () => registry.restore(),
    },
    close: async () => {
      expect(await world.closeAll()).toEqual([]);
      expect(await world.rest()).toEqual([]);
    },
  });
};
