import { type Observable, Subject } from 'rxjs';
import { expect, it } from 'vitest';
import { Kind } from '../../lib/core/envelope.js';
import { isSkeinError, SkeinError } from '../../lib/core/errors.js';
import { Listener } from '../../lib/mesh/listener.js';
import { type Listening, Network, type Wire } from '../../lib/ports/network.js';
import { echo, endpointOf, hello, MeshWorld, named, request } from './mesh-world.js';

/** Each time that someone listens is a subject here. */
class Scripted extends Network {
  readonly listens: Subject<Listening | Wire>[] = [];

  override dial(): Observable<never> {
    throw new Error('nobody dials here');
  }

  override listen(): Observable<Listening | Wire> {
    const listen = new Subject<Listening | Wire>();
    this.listens.push(listen);
    return listen;
  }
}

const lost = new SkeinError('undeliverable', { reason: 'it cannot be listened on any more' });

it('listens once, however many ask, and anew after it failed', () => {
  const { ports, root } = new MeshWorld().ports('a');
  const network = new Scripted();
  const listener = new Listener(root, { ...ports, network });
  const told: unknown[] = [];
  const ask = (who: string): void => {
    listener.listen().subscribe({
      next: (at) => told.push(`${who}: ${at}`),
      error: (error: unknown) => told.push(`${who}: ${isSkeinError(error) ? error.code : 'unknown'}`),
    });
  };

  ask('a');
  ask('b');
  expect(network.listens).toHaveLength(1);
  network.listens[0]?.next({ listening: 'first' });
  network.listens[0]?.error(lost);
  ask('c');
  expect(network.listens).toHaveLength(2);
  network.listens[1]?.next({ listening: 'second' });
  expect(told).toEqual(['a: first', 'b: first', 'a: undeliverable', 'b: undeliverable', 'c: second']);
  expect(root.status().children.map(({ note }) => note)).toEqual(['second']);
});

it('remembers requests that may come again until their time is up, and no longer, and shows how many', async () => {
  const world = new MeshWorld();
  const { ports, root } = world.ports('b');
  const listener = new Listener(root, ports);
  listener.listen().subscribe();
  listener.add(endpointOf('b', echo));
  const peer = await world.dialRaw('a', 'sim://b/skein');
  const shown = () => root.status().children[0]?.children.find(({ path }) => path.endsWith('/listener/repeats'))?.note;
  peer.say(hello, named, ...[1, 2, 3].map((id) => ({ ...request(id), meta: { attempt: 0 } })));
  await world.sim.clock.advance(59_000);
  expect([peer.of(Kind.reply).length, listener.repeats.size, shown()]).toEqual([3, 3, '3 remembered']);
  await world.sim.clock.advance(10_000);
  expect([listener.repeats.size, shown()]).toEqual([0, '0 remembered']);
});
