import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SimWorld } from '../../lib/adapters/sim/sim-world.js';
import type { Wire } from '../../lib/ports/network.js';
import { networkContract } from '../contracts/network.js';

networkContract('the simulation', () => {
  const world = new SimWorld({ seed: 1 });
  return Promise.resolve({
    listener: world.network('b'),
    dialer: world.network('a'),
    anywhere: 'sim://*',
    named: (name) => `sim://b/${name}`,
    nowhere: 'sim://b/nobody',
    settle: async <T>(promise: Promise<T>) => (await world.clock.runUntil(promise)) as T,
    open: () => world.open().wires.length + world.open().listeners.length,
    close: () => undefined,
  });
});

describe('SimWorld', () => {
  const note = (wire: Wire, log: string[]): void => {
    wire.message$.subscribe({ next: (frames) => log.push(say(frames)), complete: () => log.push('end') });
  };
  const join = async (world: SimWorld, from = 'a', to = 'b') => {
    const near: string[] = [];
    const far: string[] = [];
    const served: Wire[] = [];
    const listening = world
      .network(to)
      .listen(`sim://${to}/x`)
      .subscribe((value) => {
        if (!('message$' in value)) return;
        served.push(value);
        note(value, far);
      });
    const wires: Wire[] = [];
    const dial = world
      .network(from)
      .dial(`sim://${to}/x`)
      .subscribe((wire) => {
        wires.push(wire);
        note(wire, near);
      });
    await world.clock.runUntil(() => wires.length === 1);
    const wire = wires[0] as Wire;
    const send = (text: string, on = wire): void => void on.send([Buffer.from(text)]).subscribe({ error: () => undefined });
    send('hello');
    await world.clock.runUntil(() => far.length === 1);
    return { near, far, send, served: served[0] as Wire, dial, listening };
  };
  const say = (frames: readonly Uint8Array[]): string => Buffer.from(frames[0] as Uint8Array).toString();

  it('takes the latency for each message, and never lets one overtake another', async () => {
    const world = new SimWorld({ seed: 3, latencyMs: 10 });
    const { far, send } = await join(world);
    send('slow');
    world.setLatency('a', 'b', 1);
    send('fast');
    await world.clock.advance(9);
    expect(far).toEqual(['hello']);
    await world.clock.advance(1);
    expect(far).toEqual(['hello', 'slow', 'fast']);
    world.setLatency('a', 'b', [1, 100]);
    for (let i = 0; i < 50; i += 1) {
      send(String(i));
      await world.clock.advance(1);
    }
    await world.clock.advance(200);
    expect(far.slice(3)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
  });

  it('delivers after a cut was healed what was sent meanwhile, and keeps the wire up', async () => {
    const world = new SimWorld({ seed: 3, latencyMs: 10 });
    const { near, far, send, served } = await join(world);
    send('under way');
    world.cut('a', 'b');
    send('held');
    send('back', served);
    await world.clock.advance(60_000);
    expect([near, far]).toEqual([[], ['hello']]);
    world.heal('a', 'b');
    world.cut('a', 'b');
    await world.clock.advance(60_000);
    expect(far).toEqual(['hello']);
    world.heal('a', 'b');
    await world.clock.advance(10);
    expect([near, far]).toEqual([['back'], ['hello', 'under way', 'held']]);
  });

  it('cuts one way only, where that is asked for', async () => {
    const world = new SimWorld({ seed: 3, latencyMs: 10 });
    const { near, far, send, served } = await join(world);
    world.cutOneWay('a', 'b');
    send('held');
    send('back', served);
    await world.clock.advance(1_000);
    expect([near, far]).toEqual([['back'], ['hello']]);
    world.healOneWay('a', 'b');
    await world.clock.advance(10);
    expect(far).toEqual(['hello', 'held']);
  });

  it('gives up dialling across a cut that lasts, and waits for one that is healed in time', async () => {
    const world = new SimWorld({ seed: 3 });
    const { dial } = await join(world);
    dial.unsubscribe();
    world.cut('a', 'b');
    const late = firstValueFrom(world.network('a').dial('sim://b/x'));
    await expect(world.clock.runUntil(late)).rejects.toThrow('[undeliverable] sim://b/x does not answer');
    const healed = firstValueFrom(world.network('a').dial('sim://b/x'));
    await world.clock.advance(1_000);
    world.heal('a', 'b');
    expect(await world.clock.runUntil(healed)).toHaveProperty('message$');
  });

  it('loses about as many messages as it is told to, the same ones in every run', async () => {
    const run = async (): Promise<string[]> => {
      const world = new SimWorld({ seed: 11 });
      const { far, send } = await join(world);
      world.setLoss('a', 'b', 0.3, 'one');
      for (let i = 0; i < 1_000; i += 1) {
        send(String(i));
        await world.clock.advance(2);
      }
      return far;
    };
    const far = await run();
    expect(far.length).toBeGreaterThan(650);
    expect(far.length).toBeLessThan(750);
    expect(await run()).toEqual(far);
  });

  it('completes the wires of a killed host at its peers after the latency, while the host itself falls silent', async () => {
    const world = new SimWorld({ seed: 3, latencyMs: 10 });
    const { near, far, send } = await join(world);
    const old = world.network('b');
    world.kill('b');
    send('too late');
    await world.clock.advance(9);
    expect(near).toEqual([]);
    await world.clock.advance(1);
    expect([near, far]).toEqual([['end'], ['hello']]);
    expect(() => world.network('b')).toThrow('b is dead: start it first');
    const refused = firstValueFrom(world.network('a').dial('sim://b/x'));
    await expect(world.clock.runUntil(refused)).rejects.toThrow('nobody listens');
    world.start('b');
    let heard = 0;
    old.listen('sim://b/x').subscribe(() => (heard += 1));
    const again = await join(world);
    expect(again.far).toEqual(['hello']);
    expect(heard).toBe(0);
  });

  it('completes them only after the cut where the host was killed during one, and loses what the cut held', async () => {
    const world = new SimWorld({ seed: 3, latencyMs: 10 });
    const { near, send, served } = await join(world);
    world.cut('a', 'b');
    send('lost with its sender', served);
    world.kill('b');
    await world.clock.advance(60_000);
    expect(near).toEqual([]);
    world.heal('a', 'b');
    await world.clock.advance(10);
    expect(near).toEqual(['end']);
  });

  it('ends both sides of a wire that is broken at once, loses what was under way, and lets them dial anew', async () => {
    const world = new SimWorld({ seed: 3, latencyMs: 10 });
    const { near, far, send } = await join(world);
    send('under way');
    await world.clock.advance(5);
    world.break('b', 'c');
    expect(near).toEqual([]);
    world.break('b', 'a');
    expect([near, far]).toEqual([['end'], ['hello', 'end']]);
    await world.clock.advance(1_000);
    expect(far).toEqual(['hello', 'end']);
    expect(world.open().wires).toEqual([]);
    expect(world.open().listeners).toEqual(['sim://b/x']);
    const again: string[] = [];
    world
      .network('a')
      .dial('sim://b/x')
      .subscribe(({ address }) => again.push(address));
    await world.clock.advance(100);
    expect(again).toEqual(['sim://b/x']);
  });

  it('counts what is open, which is nothing once all is closed', async () => {
    const world = new SimWorld({ seed: 3 });
    const { dial, listening } = await join(world);
    expect(world.open().listeners).toEqual(['sim://b/x']);
    expect(world.open().wires).toHaveLength(2);
    dial.unsubscribe();
    listening.unsubscribe();
    await world.clock.advance(1_000);
    expect(world.open()).toEqual({ wires: [], listeners: [], events: 0 });
  });

  it('lets a host listen on its own name only, and names hosts', async () => {
    const world = new SimWorld({ seed: 3 });
    await expect(firstValueFrom(world.network('a').listen('sim://b/x'))).rejects.toThrow('[invalid-argument]');
    for (const name of ['', '*', 'a/b']) expect(() => world.network(name)).toThrow('cannot name a host');
    expect(world.ids('a')).toBe(world.ids('a'));
  });

  it('holds a dialer back whose listener does not read', async () => {
    const world = new SimWorld({ seed: 3, highWater: 10 });
    world.network('b').listen('sim://b/x').subscribe();
    let taken = 0;
    const wires: Wire[] = [];
    world
      .network('a')
      .dial('sim://b/x')
      .subscribe((dialled) => wires.push(dialled));
    await world.clock.runUntil(() => wires.length === 1);
    const wire = wires[0] as Wire;
    const next = (): void => {
      wire.send([Buffer.from('x')]).subscribe({
        complete: () => {
          taken += 1;
          next();
        },
      });
    };
    next();
    await world.clock.advance(1_000);
    expect(taken).toBe(10);
  });
});
