import { describe, expect, it } from 'vitest';
import { type Envelope, Kind } from '../../lib/core/envelope.js';
import { limits } from '../../lib/core/limits.js';
import { Link, type LinkKeeper } from '../../lib/mesh/link.js';
import type { Identity } from '../../lib/mesh/mesh-ports.js';
import { MeshWorld, type RawPeer, TestRequest, welcome } from './mesh-world.js';

/** A link from host a to host b, where it is spoken to by hand. */
const setUp = (identity: Partial<Identity> = {}, incarnation = '') => {
  const world = new MeshWorld();
  const { clock } = world.sim;
  const { ports, logger } = world.ports('a', identity);
  const peers: RawPeer[] = world.listenRaw('b');
  const keeper: LinkKeeper = { turned: () => undefined, wants: (one) => one.open(), resting: () => undefined };
  const link = new Link({ address: 'sim://b/skein', incarnation, number: 1 }, keeper, ports);
  const running = link.run().subscribe();
  const send = (...ids: readonly number[]): TestRequest[] =>
    ids.map((id) => {
      const one = new TestRequest(id, clock.now() + 60_000);
      link.send(one);
      return one;
    });
  const cast = (...ids: readonly number[]): TestRequest[] =>
    ids.map((id) => {
      const one = new TestRequest(id, clock.now() + 60_000, Kind.cast);
      link.send(one);
      return one;
    });
  /** Waits until the peer is dialled, and has heard the hello. */
  const met = async (nth = 0): Promise<RawPeer> => {
    await clock.runUntil(() => (peers[nth]?.heard.length ?? 0) > 0);
    return peers[nth] as RawPeer;
  };
  const welcomed = async (more: Partial<typeof welcome> = {}): Promise<RawPeer> => {
    const peer = await met();
    peer.say({ ...welcome, ...more });
    await clock.advance(10);
    return peer;
  };
  return { world, clock, ports, logger, link, running, peers, send, cast, met, welcomed };
};

const idsOf = (envelopes: readonly { readonly id: number }[]): number[] => envelopes.map(({ id }) => id);

const hello: Envelope = { kind: Kind.hello, major: 1, node: 'a', incarnation: 'a-1', features: [], heartbeatMs: 1_000, link: 1 };

describe('a link', () => {
  it('dials when there is something to say, and says hello first', async () => {
    const { clock, link, peers, send, met } = setUp();
    await clock.advance(1_000);
    expect([peers.length, link.state]).toEqual([0, 'idle']);
    send(1);
    expect(link.state).toBe('connecting');
    expect((await met()).heard).toEqual([hello]);
  });

  it.each([63, 64, 200, 256])('has two messages under way where one answers all of %i requests', async (count) => {
    const { clock, send, welcomed } = setUp();
    const first = Array.from({ length: count }, (_, id) => id);
    const requests = send(...first);
    const peer = await welcomed({ credit: 1_024 });
    // Each that is answered is followed by another one.
    const more = requests.map((request) => {
      const told = request.reply.bind(request);
      return (request.reply = (payload: unknown) => {
        told(payload);
        send(request.id + 1_000);
      });
    });
    expect(more).toHaveLength(count);
    peer.sizes.length = 0;
    peer.say(...first.map((id): Envelope => ({ kind: Kind.reply, id, payload: id, bytes: 9 })));
    await clock.advance(10);
    expect(peer.sizes).toEqual(count < 64 ? [count] : [count >> 1, count - (count >> 1)]);
    expect(peer.of(Kind.call)).toHaveLength(2 * count);
    expect(requests.map(({ told }) => told)).toEqual(first.map((id) => [id]));
  });

  it('sends no request before the welcome', async () => {
    const { clock, link, send, met } = setUp();
    const requests = send(1, 2);
    const peer = await met();
    await clock.advance(900);
    expect(peer.heard).toEqual([hello]);
    peer.say(welcome);
    await clock.advance(10);
    expect(link.state).toBe('live');
    expect(peer.heard.slice(1).map(({ kind }) => kind)).toEqual([Kind.method, Kind.call, Kind.call]);
    expect(peer.of(Kind.call)).toMatchObject([
      { id: 1, method: 1, payload: 'payload 1' },
      { id: 2, method: 1, payload: 'payload 2' },
    ]);
    peer.say({ kind: Kind.reply, id: 2, payload: 'two', bytes: 5 }, { kind: Kind.reply, id: 1, payload: 'one', bytes: 5 });
    await clock.advance(10);
    expect(requests.map(({ told }) => told)).toEqual([['one'], ['two']]);
  });

  it('says of each request how much of its time is left', async () => {
    const { clock, send, met } = setUp();
    send(1);
    const peer = await met();
    await clock.advance(900);
    peer.say(welcome);
    await clock.advance(10);
    expect(peer.of(Kind.call)[0]?.ttlMs).toBeGreaterThan(59_000);
    expect(peer.of(Kind.call)[0]?.ttlMs).toBeLessThanOrEqual(59_100);
  });

  it('never has more requests out than it has credit for', async () => {
    const { clock, send, welcomed } = setUp();
    send(1, 2, 3, 4, 5, 6);
    const peer = await welcomed({ credit: 2 });
    expect(idsOf(peer.of(Kind.call))).toEqual([1, 2]);
    peer.say({ kind: Kind.credit, count: 3 });
    await clock.advance(10);
    expect(idsOf(peer.of(Kind.call))).toEqual([1, 2, 3, 4, 5]);
  });

  it('spends no credit on what was withdrawn before it left, and tells of what had left', async () => {
    const { clock, link, send, welcomed } = setUp();
    const [one, two] = send(1, 2, 3) as [TestRequest, TestRequest];
    two.isSettled = true;
    link.withdraw(two);
    const peer = await welcomed({ credit: 2 });
    expect(idsOf(peer.of(Kind.call))).toEqual([1, 3]);
    one.isSettled = true;
    link.withdraw(one);
    await clock.advance(10);
    expect(peer.of(Kind.cancel)).toEqual([{ kind: Kind.cancel, id: 1 }]);
  });

  it('counts answers that come too late, and drops them', async () => {
    const { clock, ports, link, send, welcomed } = setUp();
    const [one] = send(1) as [TestRequest];
    const peer = await welcomed();
    one.isSettled = true;
    link.withdraw(one);
    peer.say({ kind: Kind.reply, id: 1, payload: 'late', bytes: 4 });
    await clock.advance(10);
    expect(one.told).toEqual([]);
    expect(ports.meter.read().get('answers.late')).toBe(1);
  });

  it('takes one record for the acceptance of so many casts, the oldest ones, less those that were refused', async () => {
    const { clock, cast, welcomed } = setUp();
    const casts = cast(1, 2, 3, 4);
    const peer = await welcomed();
    peer.say(
      { kind: Kind.refuse, id: 2, error: { code: 'overloaded', message: 'full' } },
      { kind: Kind.accept, count: 3, id: 3 },
    );
    await clock.advance(10);
    expect(casts.map(({ told }) => told)).toEqual([['accepted'], ['overloaded'], ['accepted'], []]);
  });

  it('drops the refusal of an attempt that a later one of the same request has crossed', async () => {
    const { clock, link, welcomed } = setUp();
    const attempts = [1, 2].map((attempt) => {
      const one = new TestRequest(7, clock.now() + 60_000);
      one.meta = { attempt };
      return one;
    });
    const [first, second] = attempts as [TestRequest, TestRequest];
    link.send(first);
    const peer = await welcomed();
    first.isSettled = true;
    link.withdraw(first);
    link.send(second);
    await clock.advance(10);
    const refuse = (attempt: number): void =>
      peer.say({ kind: Kind.refuse, id: 7, error: { code: 'overloaded', message: 'full' }, attempt });
    refuse(1);
    await clock.advance(10);
    expect(second.told).toEqual([]);
    refuse(2);
    await clock.advance(10);
    expect(second.told).toEqual(['overloaded']);
  });

  it('refuses one request more than may wait', () => {
    const { link, clock } = setUp();
    const all = Array.from({ length: limits.outboxMax + 1 }, (_, i) => new TestRequest(i, clock.now() + 60_000));
    for (const one of all) link.send(one);
    expect(all.at(-1)?.told).toEqual(['overloaded']);
    expect(all.at(-2)?.told).toEqual([]);
  });

  it('takes no more of what it no longer wants into its goodbye than may be in one message', async () => {
    const { link, send, welcomed, running, clock } = setUp();
    const count = limits.recordsMax + 10;
    const requests = send(...Array.from({ length: count }, (_, i) => i + 1));
    const peer = await welcomed({ credit: count });
    await clock.advance(1_000);
    expect(peer.of(Kind.call)).toHaveLength(count);
    for (const request of requests) link.withdraw(request);
    link.close();
    running.unsubscribe();
    await clock.advance(10);
    expect(peer.heard.at(-1)).toMatchObject({ kind: Kind.goodbye, code: 'closed' });
    expect(peer.of(Kind.cancel)).toHaveLength(limits.recordsMax - 1);
  });

  it('has nothing left to say of what was large once its wire is gone', async () => {
    const { link, clock, send, welcomed } = setUp();
    const [one] = send(1) as [TestRequest];
    const bytes = limits.partsWindow + limits.partedBytesMin;
    Object.assign(one, { payload: new Uint8Array(bytes), bytes });
    await welcomed();
    await clock.advance(10);
    expect([link.isFlushed, link.backlogs.some(({ depth }) => depth > 0)]).toEqual([false, true]);
    link.shut();
    expect(one.error).toMatchObject({ ran: 'unknown' });
    expect([link.isFlushed, link.backlogs.some(({ depth }) => depth > 0)]).toEqual([true, false]);
  });

  it('takes the answer to another attempt by the same id, sent while the one before is given up', async () => {
    const { link, clock, send, welcomed } = setUp();
    const [first] = send(1) as [TestRequest];
    const bytes = limits.partsWindow + limits.partedBytesMin;
    Object.assign(first, { payload: new Uint8Array(bytes), bytes });
    const peer = await welcomed();
    await clock.advance(10);
    first.isSettled = true;
    link.withdraw(first);
    const [second] = send(1) as [TestRequest];
    peer.say({ kind: Kind.parted, count: limits.partBytes });
    await clock.advance(10);
    peer.say({ kind: Kind.reply, id: 1, payload: 'again', bytes: 6 });
    await clock.advance(10);
    expect(second.told).toEqual(['again']);
  });

  it('names the method of what waited long with it, for its number may be another method by then', async () => {
    const { link, clock, send, cast, welcomed } = setUp();
    const [one, first, behind] = [...send(1), ...cast(2, 3)] as [TestRequest, TestRequest, TestRequest];
    const bytes = limits.partsWindow + limits.partedBytesMin;
    for (const large of [one, first]) Object.assign(large, { payload: new Uint8Array(bytes), bytes });
    const peer = await welcomed({ credit: 3 * limits.methodsMax });
    for (let id = 4; id < 4 + limits.methodsMax; id += 1) {
      const other = new TestRequest(id, clock.now() + 60_000);
      link.send(Object.assign(other, { operation: { ...other.operation, method: `m${String(id)}` } }));
    }
    await clock.advance(10);
    for (let read = 0; read < 2 * bytes; read += limits.partBytes) {
      peer.say({ kind: Kind.parted, count: Math.min(limits.partBytes, 2 * bytes - read) });
      await clock.advance(10);
    }
    const names: string[] = [];
    const asked = new Map<number, string | undefined>();
    for (const envelope of peer.heard) {
      if (envelope.kind === Kind.method) names[envelope.index] = envelope.name.method;
      else if (envelope.kind === Kind.call || envelope.kind === Kind.cast) asked.set(envelope.id, names[envelope.method]);
    }
    expect([one, first, behind].map(({ id }) => asked.get(id))).toEqual(['echo', 'echo', 'echo']);
    expect(asked.size).toBe(3 + limits.methodsMax);
    expect([...asked].filter(([id, method]) => id > 3 && method !== `m${String(id)}`)).toEqual([]);
  });

  it('says goodbye when it is let go', async () => {
    const { clock, link, running, send, welcomed } = setUp();
    const [one] = send(1) as [TestRequest];
    const peer = await welcomed();
    link.close();
    running.unsubscribe();
    expect(one.error).toMatchObject({ code: 'closed', ran: 'unknown' });
    await clock.advance(10);
    expect(peer.heard.at(-1)).toEqual({ kind: Kind.goodbye, code: 'closed', reason: 'the link is closed' });
    expect(peer.isOver).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe('a link that cannot be', () => {
  it('fails what waits, undeliverable, where its peer is another incarnation by now', async () => {
    const { clock, link, send, met } = setUp({}, 'b-1');
    const [one] = send(1) as [TestRequest];
    const peer = await met();
    peer.say({ ...welcome, incarnation: 'b-2' });
    await clock.advance(10);
    expect(one.error).toMatchObject({ code: 'undeliverable', ran: 'no' });
    expect(one.error?.message).toContain('belongs to another process by now');
    expect(peer.of(Kind.call)).toEqual([]);
    expect(peer.isOver).toBe(true);
    expect(link.state).toBe('down');
  });

  it('takes the incarnation that it was told of', async () => {
    const { link, send, welcomed } = setUp({}, 'raw-1');
    send(1);
    await welcomed();
    expect(link.state).toBe('live');
  });

  it('fails what waits, undeliverable, where nobody listens, and tries again', async () => {
    const world = new MeshWorld();
    const { clock } = world.sim;
    const { ports } = world.ports('a');
    const link = new Link(
      { address: 'sim://b/skein', incarnation: '', number: 1 },
      { turned: () => undefined, wants: (one) => one.open(), resting: () => undefined },
      ports,
    );
    link.run().subscribe();
    const one = new TestRequest(1, clock.now() + 60_000);
    link.send(one);
    await clock.advance(10);
    expect(one.error).toMatchObject({ code: 'undeliverable', ran: 'no' });
    const peers = world.listenRaw('b');
    await clock.advance(limits.redial.maxMs);
    expect(peers.length).toBe(1);
  });

  it('gives a peer up that does not welcome it in time, though it says other things', async () => {
    const { clock, link, send, met } = setUp();
    const [one] = send(1) as [TestRequest];
    const peer = await met();
    for (let second = 0; second < 4; second += 1) {
      await clock.advance(1_000);
      peer.say({ kind: Kind.heartbeat });
    }
    expect([one.told, link.state]).toEqual([[], 'connecting']);
    await clock.advance(1_000);
    expect(one.error).toMatchObject({ code: 'undeliverable', ran: 'no' });
    expect(one.error?.message).toContain('no welcome came in time');
    expect(peer.isOver).toBe(true);
  });

  it('gives a peer up that says nothing at all, in the same time', async () => {
    const { clock, link, send, met } = setUp();
    const [one] = send(1) as [TestRequest];
    await met();
    await clock.advance(limits.handshakeMs - 10);
    expect([one.told, link.state]).toEqual([[], 'connecting']);
    await clock.advance(10);
    expect(one.error?.message).toContain('no welcome came in time');
  });
});

describe('a link that is lost', () => {
  it('ends what it sent with link-lost, of unknown outcome, and what it did not send as undeliverable', async () => {
    const { clock, link, send, welcomed } = setUp();
    const [sent, unsent] = send(1, 2) as [TestRequest, TestRequest];
    const peer = await welcomed({ credit: 1 });
    peer.leave();
    await clock.advance(10);
    expect(sent.error).toMatchObject({ code: 'link-lost', ran: 'unknown' });
    expect(unsent.error).toMatchObject({ code: 'undeliverable', ran: 'no' });
    expect(link.state).toBe('down');
  });

  it('starts anew with the next wire: hello, methods, credit', async () => {
    const { clock, link, peers, send, welcomed, met } = setUp();
    send(1);
    (await welcomed({ credit: 1_000 })).leave();
    await clock.advance(10);
    const peer = await met(1);
    expect(peers).toHaveLength(2);
    send(2, 3);
    peer.say({ ...welcome, credit: 1 });
    await clock.advance(10);
    expect(peer.heard.map(({ kind }) => kind)).toEqual([Kind.hello, Kind.method, Kind.call]);
    expect(link.state).toBe('live');
  });

  it('is suspect after 3 silent intervals of its peer, live again at a word, and lost after 10', async () => {
    const { clock, link, send, welcomed } = setUp();
    const [one] = send(1) as [TestRequest];
    const peer = await welcomed();
    await clock.advance(2_980);
    expect([link.state, link.isUsable]).toEqual(['live', true]);
    await clock.advance(20);
    expect([link.state, link.isUsable]).toEqual(['suspect', false]);
    peer.say({ kind: Kind.heartbeat });
    await clock.advance(10);
    expect(link.state).toBe('live');
    await clock.advance(9_980);
    expect([link.state, one.told]).toEqual(['suspect', []]);
    await clock.advance(20);
    expect(one.error).toMatchObject({ code: 'peer-silent', ran: 'unknown' });
    expect(link.state).toBe('down');
  });

  it('ends what it sent with peer-silent where a suspect leaves', async () => {
    const { clock, link, send, welcomed } = setUp();
    const [one] = send(1) as [TestRequest];
    const peer = await welcomed();
    await clock.advance(3_500);
    expect(link.state).toBe('suspect');
    peer.leave();
    await clock.advance(10);
    expect(one.error?.code).toBe('peer-silent');
  });

  it('ends with a goodbye, and tells its reason', async () => {
    const { clock, logger, send, welcomed } = setUp();
    const [sent, unsent] = send(1, 2) as [TestRequest, TestRequest];
    const peer = await welcomed({ credit: 1 });
    peer.say({ kind: Kind.goodbye, code: 'closed', reason: 'off to the south' });
    await clock.advance(10);
    expect(sent.error?.code).toBe('link-lost');
    expect(unsent.error?.message).toContain('off to the south');
    expect(JSON.stringify(logger.lines.map(({ fields }) => String(fields?.error)))).toContain('off to the south');
  });
});

describe('a link whose peer has drained', () => {
  it('gives back what is not answered, as not started, and says so to no log', async () => {
    const { clock, link, logger, send, cast, welcomed } = setUp();
    const [answered, call] = send(1, 2) as [TestRequest, TestRequest];
    const casts = cast(3, 4);
    const [unsent] = send(5) as [TestRequest];
    const peer = await welcomed({ credit: 4 });
    peer.say({ kind: Kind.reply, id: 1, payload: 'in time', bytes: 8 }, { kind: Kind.accept, count: 1, id: 3 });
    // The welcome, and the two above.
    peer.say({ kind: Kind.goodbye, code: 'drained', reason: 'the node has drained', said: 3 });
    await clock.advance(10);
    expect([answered.told, casts[0]?.told]).toEqual([['in time'], ['accepted']]);
    for (const one of [call, casts[1]]) expect(one?.error).toMatchObject({ code: 'closed', ran: 'no' });
    expect(unsent.error).toMatchObject({ ran: 'no' });
    expect(link.state).toBe('left');
    expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('does not know what became of it where an answer was lost on the way', async () => {
    const { clock, send, welcomed } = setUp();
    const [call] = send(1) as [TestRequest];
    const peer = await welcomed();
    peer.say({ kind: Kind.goodbye, code: 'drained', reason: 'the node has drained', said: 2 });
    await clock.advance(10);
    expect(call.error).toMatchObject({ code: 'link-lost', ran: 'unknown' });
  });
});

describe('a link says goodbye, with the reason, and logs it', () => {
  const cases: readonly (readonly [what: string, said: readonly Envelope[], reason: string])[] = [
    [
      'other casts are accepted than were sent',
      [{ kind: Kind.accept, count: 1, id: 7 }],
      'what was accepted are not the oldest casts that were sent',
    ],
    ['a listener calls', [hello], 'the listening side sent what only the dialling side may send'],
  ];

  it.each(cases)('where %s', async (_what, said, reason) => {
    const { clock, logger, send, welcomed } = setUp();
    const [one] = send(1) as [TestRequest];
    const peer = await welcomed();
    peer.say(...said);
    await clock.advance(10);
    expect(peer.of(Kind.goodbye)).toEqual([{ kind: Kind.goodbye, code: 'protocol-error', reason: `[protocol-error] ${reason}` }]);
    expect(one.error).toMatchObject({ code: 'link-lost', ran: 'unknown' });
    const told = logger.lines.filter(({ fields }) => String(fields?.error).includes(reason));
    expect(told.map(({ level }) => level)).toEqual(['warn']);
  });
});
