import { expect, it } from 'vitest';
import { scale } from '../bench/scale.js';

it(
  'has a thousand nodes start, lose a tenth of them and get it back, and no call of theirs fails',
  { timeout: 300_000 },
  async () => {
    const nodes = 1_000;
    const { startedMs, lostMs, returnedMs, wires, calls, callsFailed, fanouts, fanoutsBroken, entriesToldPerNode } = await scale(
      nodes,
      2_000,
    );
    // In virtual time: what a node knows is 50 ms old, and an entry outlives its node by a lease of ten seconds.
    expect(startedMs).toBeLessThan(1_000);
    expect(lostMs).toBeLessThan(11_000);
    expect(returnedMs).toBeLessThan(1_000);
    expect(calls).toBeGreaterThan(4 * nodes);
    expect([callsFailed, fanoutsBroken]).toEqual([0, 0]);
    expect(fanouts).toBeGreaterThan(nodes / 50);
    // A node holds the links that it uses, and hears of the services that it uses: neither grows with the cluster.
    expect(wires).toBeLessThan(6 * nodes);
    expect(entriesToldPerNode).toBeLessThan(1_000);
  },
);
