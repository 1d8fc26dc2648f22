import { firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { limits } from '../../lib/core/limits.js';
import { type ActorStatus, call, contract, type Node } from '../../lib/index.js';
import { SimCluster } from '../../lib/testing/cluster/sim-cluster.js';

const Echo = contract('echo', '1', { echo: call<number, number>() });

const topicsOf = async (node: Node): Promise<readonly string[]> => {
  const find = ({ path, children }: ActorStatus): ActorStatus | undefined =>
    path.endsWith('/topics') ? ({ path, children } as ActorStatus) : children.map(find).find((status) => status !== undefined);
  return find(await firstValueFrom(node.tree$))?.children.map(({ path }) => path.replace(/.*\/topics\//, '')) ?? [];
};

it('a topic that is no longer used is no longer watched, and is there again when it is wanted', async () => {
  const world = new SimCluster({ seed: 1 });
  const server = await world.start('server');
  for (const exchange of ['a', 'b']) await world.settle(server.serve(Echo, { echo: (n) => n }, { exchange }));
  const caller = await world.start('caller');
  const [a, b] = ['a', 'b'].map((exchange) => caller.client(Echo, { exchange }));
  await world.settle(Promise.all([a?.echo(1), b?.echo(1)]));
  expect(await topicsOf(caller)).toEqual(['a/echo', 'b/echo']);
  for (let i = 0; i < 3; i += 1) {
    await world.pass(limits.coldMaxMs - 1_000);
    expect(await world.settle(a?.echo(i) as PromiseLike<number>)).toBe(i);
  }
  expect(await topicsOf(caller)).toEqual(['a/echo']);
  expect((await firstValueFrom(caller.peers$)).map(({ server: name }) => name)).toEqual(['server']);
  expect(await world.settle(b?.echo(7) as PromiseLike<number>)).toBe(7);
  expect(await topicsOf(caller)).toEqual(['a/echo', 'b/echo']);
  await world.pass(3 * limits.coldMaxMs);
  expect(await topicsOf(caller)).toEqual([]);
  expect(await firstValueFrom(caller.peers$)).toEqual([]);
  expect(await world.closeAll()).toEqual([]);
});
