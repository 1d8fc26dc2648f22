import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type Envelope, Kind } from '../../lib/core/envelope.js';
import { SkeinError } from '../../lib/core/errors.js';
import { limits } from '../../lib/core/limits.js';
import { Listener } from '../../lib/mesh/listener.js';
import type { Identity } from '../../lib/mesh/mesh-ports.js';
import type { Incoming } from '../../lib/ports/transport.js';
import { echo, endpointOf, hello, MeshWorld, named, type RawPeer, request } from './mesh-world.js';

/** A listener on host b, and what its server got; `a` speaks to it by hand. */
const setUp = async (
  admit: (incoming: Incoming) => void = () => undefined,
  identity: Partial<Identity> = {},
  world = new MeshWorld(),
) => {
  const { ports, root, logger } = world.ports('b', identity);
  const listener = new Listener(root, ports);
  const admitted: Incoming[] = [];
  listener.add(
    endpointOf('b', (incoming) => {
      admitted.push(incoming);
      admit(incoming);
    }),
  );
  const address = await firstValueFrom(listener.listen());
  const { clock } = world.sim;
  const dial = (): Promise<RawPeer> => world.dialRaw('a', address);
  return { world, clock, listener, root, logger, admitted, peer: await dial(), dial };
};

const calls = (from: number, count: number): Envelope[] => Array.from({ length: count }, (_, i) => request(from + i));

describe('a served link', () => {
  it('welcomes who says hello, with its incarnation and the first credit', async () => {
    const { clock, peer } = await setUp();
    peer.say(hello);
    await clock.advance(10);
    expect(peer.heard).toEqual([
      { kind: Kind.welcome, major: 1, node: 'b', incarnation: 'b-1', features: [], heartbeatMs: 1_000, credit: 4_096 },
    ]);
  });

  it('says nothing to who has not said hello', async () => {
    const { clock, peer } = await setUp();
    peer.say({ kind: Kind.heartbeat });
    await clock.advance(10);
    expect(peer.heard).toEqual([]);
  });

  it('hands requests to their methods, with who sent them and when they must be done', async () => {
    const { clock, peer, admitted } = await setUp(echo);
    peer.say(hello, named, request(7));
    await clock.advance(10);
    const [incoming] = admitted;
    expect(incoming).toMatchObject({ id: 7, kind: Kind.call, payload: 7, ttlMs: 60_000, caller: { id: 'raw-1', node: 'raw' } });
    expect(Math.abs((incoming?.deadline ?? 0) - clock.now() - 60_000)).toBeLessThan(10);
    expect(peer.of(Kind.reply)).toMatchObject([{ id: 7, payload: 7 }]);
  });

  it('answers a message with one, and one of 64 requests with two, so that its peer need not wait for all of them', async () => {
    const { clock, peer } = await setUp(echo, { linkCredit: 4_096 });
    peer.say(hello, named);
    await clock.advance(10);
    for (const length of [63, 64, 127, 128]) {
      peer.sizes.length = 0;
      peer.say(...Array.from({ length }, (_, id) => request(id)));
      await clock.advance(10);
      expect(peer.sizes).toEqual(length === 64 || length === 127 ? [length >> 1, length - (length >> 1)] : [length]);
    }
    expect(peer.of(Kind.reply)).toHaveLength(63 + 64 + 127 + 128);
  });

  it('settles the casts of one message by one record', async () => {
    const { clock, peer } = await setUp(echo);
    peer.say(hello, named, ...[1, 2, 3].map((id) => request(id, Kind.cast)));
    peer.say(...[4, 5].map((id) => request(id, Kind.cast)));
    await clock.advance(10);
    expect(peer.of(Kind.accept).map(({ count }) => count)).toEqual([3, 2]);
  });

  it('refuses a cast by its id before it settles those of its message', async () => {
    const { clock, peer } = await setUp((incoming) => {
      if (incoming.id === 2) incoming.refuse({ code: 'overloaded', message: 'full' });
    });
    peer.say(hello, named, ...[1, 2, 3].map((id) => request(id, Kind.cast)));
    await clock.advance(10);
    expect(peer.heard.slice(1)).toMatchObject([
      { kind: Kind.refuse, id: 2, error: { code: 'overloaded' } },
      { kind: Kind.accept, count: 3 },
    ]);
  });

  it('refuses requests for who does not serve here, one by one', async () => {
    const { clock, peer, listener } = await setUp();
    const noSuchMethod = new SkeinError('no-such-method', { method: 'echo' });
    listener.add({ ...endpointOf('c', echo), find: () => noSuchMethod });
    const other = { ...named, index: 1, name: { ...named.name, server: 'c' } };
    const none = { ...named, index: 2, name: { ...named.name, server: 'nobody' } };
    peer.say(hello, other, none, request(1, Kind.call, 1), request(2, Kind.call, 2));
    await clock.advance(10);
    expect(peer.of(Kind.refuse).map(({ id, error }) => [id, error.code])).toEqual([
      [1, 'no-such-method'],
      [2, 'no-server'],
    ]);
    expect(peer.isOver).toBe(false);
  });

  it('finds a method anew once servers came or went', async () => {
    const { clock, peer, listener, admitted } = await setUp(echo);
    peer.say(hello, named, request(1));
    await clock.advance(10);
    const later: number[] = [];
    listener.add(endpointOf('b', ({ id }) => later.push(id)));
    peer.say(request(2));
    await clock.advance(10);
    expect([admitted.map(({ id }) => id), later]).toEqual([[1], [2]]);
  });

  it('cancels what its peer cancels, and gives its credit back', async () => {
    const { clock, peer, admitted } = await setUp(undefined, { linkCredit: 4 });
    const reasons: unknown[] = [];
    peer.say(hello, named, request(1));
    await clock.advance(10);
    const [incoming] = admitted as [Incoming];
    incoming.onCancel = (reason) => reasons.push(reason.code);
    peer.say({ kind: Kind.cancel, id: 1 }, { kind: Kind.cancel, id: 99 });
    await clock.advance(10);
    expect(reasons).toEqual(['cancelled']);
    expect(peer.of(Kind.credit)).toEqual([{ kind: Kind.credit, count: 1 }]);
    incoming.reply('late', 8);
    await clock.advance(10);
    expect(peer.of(Kind.reply)).toEqual([]);
  });

  it('cancels the calls of a peer that has gone', async () => {
    const { clock, peer, admitted } = await setUp();
    peer.say(hello, named, request(1));
    await clock.advance(10);
    const reasons: unknown[] = [];
    const [incoming] = admitted as [Incoming];
    incoming.onCancel = (reason) => reasons.push(reason.code);
    peer.leave();
    await clock.advance(10);
    expect(reasons).toEqual(['link-lost']);
  });

  it('says something in each interval, whatever else it said in the one before', async () => {
    const { clock, peer } = await setUp(echo);
    peer.say(hello, named);
    for (let second = 1; second <= 5; second += 1) {
      peer.say(second === 2 ? request(2) : { kind: Kind.heartbeat });
      const { length } = peer.heard;
      await clock.advance(1_000);
      expect(peer.heard.length).toBeGreaterThan(length);
    }
    expect(peer.of(Kind.heartbeat).length).toBeGreaterThanOrEqual(4);
  });

  it('lets a peer go that is silent for ten of the intervals that it announced', async () => {
    const { clock, peer } = await setUp();
    peer.say({ ...hello, heartbeatMs: 200 } as Envelope);
    await clock.advance(2_900);
    expect(peer.isOver).toBe(false);
    await clock.advance(1_100);
    expect(peer.isOver).toBe(true);
  });
});

describe('a served link whose node has drained', () => {
  it('says so behind all answers, hears nothing more, and waits until its peer has hung up', async () => {
    const { clock, listener, peer, admitted } = await setUp(echo);
    peer.say(hello, named, request(1));
    await clock.advance(10);
    listener.sayGoodbye();
    peer.say(request(2));
    await clock.advance(5_000);
    expect(admitted.map(({ id }) => id)).toEqual([1]);
    expect(peer.heard.map(({ kind }) => kind)).toEqual([Kind.welcome, Kind.reply, Kind.goodbye]);
    expect(peer.of(Kind.goodbye)).toMatchObject([{ code: 'drained' }]);
    expect(listener.hasLeft).toBe(false);
    peer.leave();
    await clock.advance(10);
    expect(listener.hasLeft).toBe(true);
  });

  it('says so to who dials now', async () => {
    const { clock, listener, dial } = await setUp(echo);
    listener.sayGoodbye();
    const late = await dial();
    late.say(hello, named, request(1));
    await clock.advance(10);
    expect(late.heard).toMatchObject([{ kind: Kind.goodbye, code: 'drained' }]);
  });
});

describe('the credit of a served link', () => {
  it('goes back at once to who has hardly any left', async () => {
    const { clock, peer, admitted } = await setUp(undefined, { linkCredit: 100 });
    peer.say(hello, named, ...calls(0, 98));
    await clock.advance(10);
    const leave = async (from: number, count: number): Promise<number[]> => {
      for (const request of admitted.slice(from, from + count)) request.leave();
      await clock.advance(10);
      return peer.of(Kind.credit).map(({ count: back }) => back);
    };
    expect(await leave(0, 2)).toEqual([]);
    expect(await leave(2, 1)).toEqual([3]);
    // Five are left.
    expect(await leave(3, 5)).toEqual([3]);
    expect(await leave(8, 1)).toEqual([3, 6]);
  });

  it('stays with what is refused and told to, until it leaves', async () => {
    const { clock, peer, admitted } = await setUp(
      (incoming) => {
        incoming.refuse({ code: 'overloaded', message: 'full' }, true);
      },
      { linkCredit: 4 },
    );
    peer.say(hello, named, ...calls(0, 4));
    await clock.advance(10);
    expect(peer.of(Kind.refuse)).toHaveLength(4);
    expect(peer.of(Kind.credit)).toEqual([]);
    for (const request of admitted) request.leave();
    for (const request of admitted) request.leave();
    await clock.advance(10);
    expect(peer.of(Kind.credit).reduce((sum, { count }) => sum + count, 0)).toBe(4);
  });

  it('goes back in portions as requests leave the mailbox, and never adds up to more than was given', async () => {
    const { clock, peer } = await setUp(echo, { linkCredit: 8 });
    peer.say(hello, named, ...calls(0, 8));
    await clock.advance(10);
    expect(peer.of(Kind.reply)).toHaveLength(8);
    expect(peer.of(Kind.credit).reduce((sum, { count }) => sum + count, 0)).toBe(8);
    expect(peer.of(Kind.credit).length).toBeLessThanOrEqual(4);
  });

  it('stays with what waits in the mailbox', async () => {
    const { clock, peer, admitted } = await setUp(undefined, { linkCredit: 4 });
    peer.say(hello, named, ...calls(0, 4));
    await clock.advance(10);
    expect(peer.of(Kind.credit)).toEqual([]);
    admitted[0]?.leave();
    admitted[0]?.leave();
    await clock.advance(10);
    expect(peer.of(Kind.credit)).toEqual([{ kind: Kind.credit, count: 1 }]);
  });

  it('stays here while more answers wait than may, since who does not read may not ask', async () => {
    const world = new MeshWorld({ highWater: 2 });
    const { clock, peer } = await setUp(echo, { linkCredit: 40_000 }, world);
    peer.say(hello, named);
    await clock.advance(10);
    world.sim.cutOneWay('b', 'a');
    peer.say(...calls(0, 30_000));
    await clock.advance(5_000);
    expect(peer.of(Kind.reply)).toEqual([]);
    world.sim.healOneWay('b', 'a');
    await clock.advance(5_000);
    expect(peer.of(Kind.reply)).toHaveLength(30_000);
    const credits = peer.heard.flatMap((envelope, at) => (envelope.kind === Kind.credit ? [{ count: envelope.count, at }] : []));
    expect(credits.map(({ count }) => count)).toEqual([10_000, 20_000]);
    const repliesBefore = peer.heard.slice(0, credits[1]?.at).filter(({ kind }) => kind === Kind.reply).length;
    expect(repliesBefore).toBeGreaterThanOrEqual(30_000 - limits.answersMax);
  });
});

describe('a served link says goodbye, with the reason, and logs it', () => {
  const cases: readonly (readonly [what: string, said: readonly Envelope[], reason: string])[] = [
    ['a request before the hello', [named, request(1)], 'a request before the hello'],
    ['more requests than it gave credit for', [hello, named, ...calls(0, 9)], 'more requests than were given credit for'],
    ['a request for a method without a name', [hello, request(1)], 'method 0 was not named on this wire'],
    ['a second hello', [hello, hello], 'a second hello on one wire'],
    [
      'a method number beyond the bound',
      [hello, { ...named, index: limits.methodsMax }],
      'a method is numbered 4096, beyond the bound',
    ],
    [
      'what only a listener may say',
      [hello, { kind: Kind.credit, count: 1 }],
      'the dialling side sent what only the listening side may send',
    ],
  ];

  it.each(cases)('to %s', async (_what, said, reason) => {
    const { clock, peer, logger, dial, admitted } = await setUp(undefined, { linkCredit: 8 });
    peer.say(...said);
    await clock.advance(10);
    expect(peer.heard.at(-1)).toEqual({ kind: Kind.goodbye, code: 'protocol-error', reason: `[protocol-error] ${reason}` });
    expect(peer.isOver).toBe(true);
    expect(admitted.length).toBeLessThanOrEqual(8);
    const [line] = logger.lines.filter(({ level }) => level === 'warn');
    expect(line?.message).toMatch(/^a link from sim:\/\/b\/skein#a-\d+ is refused$/);
    expect(String(line?.fields?.error)).toContain(reason);
    const next = await dial();
    next.say(hello);
    await clock.advance(10);
    expect(next.of(Kind.welcome)).toHaveLength(1);
  });

  it('to bytes that are no batch', async () => {
    const { clock, peer, logger } = await setUp();
    peer.sayFrames([new Uint8Array([0xc1, 1, 2, 3])]);
    await clock.advance(10);
    expect(peer.of(Kind.goodbye)).toMatchObject([{ code: 'protocol-error' }]);
    expect(logger.at('warn')).toHaveLength(1);
  });
});
