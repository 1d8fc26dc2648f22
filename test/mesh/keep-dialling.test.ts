import { defer, EMPTY, NEVER, type Observable, of } from 'rxjs';
import { expect, it } from 'vitest';
import { keepDialling } from '../../lib/mesh/keep-dialling.js';
import { Network, type Wire } from '../../lib/ports/network.js';
import { MeshWorld } from './mesh-world.js';

/** Answers each dial with the next of these. */
class Scripted extends Network {
  readonly left: Observable<Wire>[];

  constructor(...dials: Observable<Wire>[]) {
    super();
    this.left = dials;
  }

  override dial(): Observable<Wire> {
    return defer(() => this.left.shift() ?? NEVER);
  }

  override listen(): Observable<never> {
    return NEVER;
  }
}

it('dials again where a dial ends without a wire', async () => {
  const world = new MeshWorld();
  const { ports } = world.ports('a');
  const wire: Wire = { address: 'x', message$: NEVER, send: () => EMPTY };
  const network = new Scripted(EMPTY, EMPTY, of(wire));
  const lost: string[] = [];
  const met: string[] = [];
  const dialling = keepDialling(
    {
      address: 'sim://b',
      meet: ({ address }) => {
        met.push(address);
        return NEVER;
      },
      onVital: () => undefined,
      onLost: (error) => lost.push(String(error)),
    },
    { ...ports, network },
  ).subscribe();
  await world.sim.clock.advance(1_000);
  expect(lost).toEqual(Array.from({ length: 2 }, () => expect.stringContaining('ended before it was there') as string));
  expect(met).toEqual(['x']);
  dialling.unsubscribe();
});
