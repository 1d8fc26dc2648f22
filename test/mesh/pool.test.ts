import { EMPTY, finalize, firstValueFrom, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Kind } from '../../lib/core/envelope.js';
import { limits } from '../../lib/core/limits.js';
import type { Link } from '../../lib/mesh/link.js';
import { Listener } from '../../lib/mesh/listener.js';
import type { Identity, MeshPorts } from '../../lib/mesh/mesh-ports.js';
import { Pool } from '../../lib/mesh/pool.js';
import type { Way } from '../../lib/mesh/way.js';
import type { Registration } from '../../lib/ports/matchmaker.js';
import { type Listening, Network, type Wire } from '../../lib/ports/network.js';
import type { Incoming } from '../../lib/ports/transport.js';
import { echo, endpointOf, MeshWorld, registrationOf, TestRequest } from './mesh-world.js';

/** Counts the wires that are open or being opened, and all that ever were. */
class CountingNetwork extends Network {
  readonly #inner: Network;
  now = 0;
  most = 0;
  total = 0;

  constructor(inner: Network) {
    super();
    this.#inner = inner;
  }

  override dial(address: string): Observable<Wire> {
    this.now += 1;
    this.total += 1;
    this.most = Math.max(this.most, this.now);
    return this.#inner.dial(address).pipe(finalize(() => (this.now -= 1)));
  }

  override listen(): Observable<Listening | Wire> {
    return EMPTY;
  }
}

/** A pool on host `api`, and hosts `s0`, `s1` and so on that each serve on a listener of their own. */
const setUp = async (
  servers: number,
  identity: Partial<Identity> = {},
  admit: (incoming: Incoming, host: string) => void = echo,
) => {
  const world = new MeshWorld();
  const { clock } = world.sim;
  for (let i = 0; i < servers; i += 1) {
    const host = `s${String(i)}`;
    const { ports, root } = world.ports(host, { heartbeatMs: 60_000 });
    const listener = new Listener(root, ports);
    listener.add(
      endpointOf('b', (incoming) => {
        admit(incoming, host);
      }),
    );
    await firstValueFrom(listener.listen());
  }
  const { ports: own, root } = world.ports('api', identity);
  const network = new CountingNetwork(own.network);
  const ports: MeshPorts = { ...own, network };
  const pool = new Pool(root, ports);
  const entries = Array.from({ length: servers }, (_, i) => registrationOf(`s${String(i)}`));
  const ways = entries.map((entry) => pool.acquire(entry));
  const links = ways.map(({ link }) => link);
  let ids = 0;
  const send = (link: Link, count = 1, kind: TestRequest['kind'] = Kind.call): TestRequest[] =>
    Array.from({ length: count }, () => {
      const one = new TestRequest((ids += 1), clock.now() + 60_000, kind);
      link.send(one);
      return one;
    });
  return { world, clock, network, pool, entries, ways, links, send };
};

describe('the peers of a pool', () => {
  it('are told as the directory tells of them, before anything is sent', async () => {
    const { pool, entries, ways } = await setUp(2);
    const seen: string[][] = [];
    pool.peers$.subscribe((peers) => seen.push(peers.map(({ id, server }) => `${id} ${server}`)));
    const [first, second] = entries as [Registration, Registration];
    const sibling = { ...first, server: 'b2' };
    pool.acquire(sibling);
    expect(seen.at(-1)).toEqual(['s0-1 s0,b2', 's1-1 s1']);
    pool.release(ways[0] as Way, first);
    expect(seen.at(-1)).toEqual(['s0-1 b2', 's1-1 s1']);
    pool.release(ways[1] as Way, second);
    pool.release(ways[0] as Way, sibling);
    expect(seen.at(-1)).toEqual([]);
    pool.acquire({ ...first, incarnation: 's0-2' });
    expect(seen.at(-1)).toEqual(['s0-2 s0']);
  });
});

const isAnswered = ({ told }: TestRequest): boolean => told.length === 1 && String(told[0]).startsWith('payload');

describe('a pool of at most 8 links', () => {
  it('never has more open, with 80 peers, and every call ends', async () => {
    const { clock, network, pool, links, send } = await setUp(80, { linksMax: 8 });
    const requests = links.flatMap((link) => send(link, 30));
    expect(pool.openCount).toBe(8);
    await clock.runUntil(() => requests.every(({ isSettled }) => isSettled), 60_000);
    expect(requests.filter((one) => !isAnswered(one))).toEqual([]);
    expect(network.most).toBe(8);
    expect(pool.openCount).toBeLessThanOrEqual(8);
  });

  it('gives each peer its turn while all of them have more to say for ever', async () => {
    const { clock, network, links, send } = await setUp(24, { linksMax: 8 });
    const answered = links.map(() => 0);
    const talkOn = (link: Link, i: number): void => {
      const [one] = send(link) as [TestRequest];
      const reply = one.reply.bind(one);
      one.reply = (payload) => {
        reply(payload);
        answered[i] = (answered[i] ?? 0) + 1;
        talkOn(link, i);
      };
    };
    links.forEach((link, i) => {
      for (let n = 0; n < 4; n += 1) talkOn(link, i);
    });
    await clock.advance(3_000);
    expect(network.most).toBe(8);
    const [least, most] = [Math.min(...answered), Math.max(...answered)];
    expect(least).toBeGreaterThan(20);
    expect(most / least).toBeLessThan(2);
  });

  it('takes no wire from who waits for an answer', async () => {
    const held: Incoming[] = [];
    const { clock, network, links, send } = await setUp(3, { linksMax: 1 }, (incoming, host) => {
      if (host === 's0') held.push(incoming);
      else echo(incoming);
    });
    const [slow, next] = links as [Link, Link, Link];
    const [first] = send(slow) as [TestRequest];
    await clock.advance(20);
    const [second] = send(next) as [TestRequest];
    await clock.advance(5_000);
    expect([first.told, second.told, slow.state, next.state]).toEqual([[], [], 'live', 'idle']);
    held[0]?.reply('at last', 8);
    await clock.advance(20);
    expect(first.told).toEqual(['at last']);
    expect(second.isSettled).toBe(true);
    expect(network.most).toBe(1);
  });

  it('lets a link that was to make room go on once nobody waits any more', async () => {
    const held: Incoming[] = [];
    const { clock, links, send, pool } = await setUp(3, { linksMax: 2 }, (incoming, host) => {
      if (host === 's2') echo(incoming);
      else held.push(incoming);
    });
    const [a, b, c] = links as [Link, Link, Link];
    send(a);
    send(b);
    await clock.advance(20);
    expect(held).toHaveLength(2);
    const third = send(c) as [TestRequest];
    const more = send(a) as [TestRequest];
    await clock.advance(20);
    expect([third[0].told, more[0].told]).toEqual([[], []]);
    held[1]?.reply('b is done', 8);
    await clock.advance(20);
    expect(isAnswered(third[0])).toBe(true);
    held[0]?.reply('a is done', 8);
    await clock.advance(20);
    expect(held).toHaveLength(3);
    held[2]?.reply('payload', 8);
    await clock.advance(20);
    expect(isAnswered(more[0])).toBe(true);
    expect(pool.openCount).toBeLessThanOrEqual(2);
  });

  it('gives the place of a peer that cannot be reached to one that waits', async () => {
    const { world, clock, links, send, network } = await setUp(3, { linksMax: 1 });
    world.sim.kill('s0');
    const [dead, alive] = links as [Link, Link, Link];
    const [first] = send(dead) as [TestRequest];
    const [second] = send(alive) as [TestRequest];
    await clock.advance(limits.handshakeMs + 100);
    expect(first.told).toEqual(['undeliverable']);
    expect(isAnswered(second)).toBe(true);
    expect(network.most).toBe(1);
  });

  it('ends what waits for a wire when it is closed', async () => {
    const held: Incoming[] = [];
    const { clock, links, send, pool } = await setUp(2, { linksMax: 1 }, (incoming) => held.push(incoming));
    const [a, b] = links as [Link, Link];
    const [sent] = send(a) as [TestRequest];
    await clock.advance(20);
    const [waiting] = send(b) as [TestRequest];
    pool.close();
    expect(sent.error).toMatchObject({ code: 'closed', ran: 'unknown' });
    expect(waiting.error).toMatchObject({ code: 'closed', ran: 'no' });
  });
});

describe('a pool', () => {
  it('has one link a peer, however many servers are there and requests go to it', async () => {
    const { clock, network, pool, send } = await setUp(1);
    const links = ['lvm', 'ceph', 'lvm'].map((server) => pool.acquire(registrationOf('s0', { server })).link);
    expect(new Set(links).size).toBe(1);
    const requests = links.flatMap((link) => send(link, 3_000));
    await clock.runUntil(() => requests.every(({ isSettled }) => isSettled), 60_000);
    expect(requests.every(isAnswered)).toBe(true);
    expect(network.total).toBe(1);
    const [peer] = await firstValueFrom(pool.peers$);
    expect(peer).toMatchObject({ id: 's0-1', server: 's0,lvm,ceph,lvm', address: 'sim://s0/skein', state: 'live' });
  });

  it('has another link for another incarnation at the same address', async () => {
    const { pool } = await setUp(0);
    const [former, next] = [pool.acquire(registrationOf('s0')), pool.acquire(registrationOf('s0', { incarnation: 's0-2' }))];
    expect(former.link).not.toBe(next.link);
  });

  it('opens no wire before there is something to say', async () => {
    const { clock, network } = await setUp(3);
    await clock.advance(60_000);
    expect(network.total).toBe(0);
  });

  it('takes the wire of a link that was used once after half a minute, and opens another when it is used again', async () => {
    const { clock, network, links, send } = await setUp(1);
    const [link] = links as [Link];
    send(link);
    await clock.advance(limits.coldMinMs - 1_000);
    expect(link.state).toBe('live');
    await clock.advance(12_000);
    expect([link.state, network.now]).toEqual(['idle', 0]);
    const [again] = send(link) as [TestRequest];
    await clock.advance(20);
    expect([isAnswered(again), network.total]).toEqual([true, 2]);
  });

  it('leaves a link its wire that is used now and then, by its measured traffic', async () => {
    const { clock, network, links, send } = await setUp(2);
    const [hot, cold] = links as [Link, Link];
    send(cold);
    const everyMs = 20_000;
    for (let n = 0; n < 30; n += 1) {
      send(hot);
      await clock.advance(everyMs);
      expect(hot.state).toBe('live');
    }
    expect([cold.state, network.total]).toEqual(['idle', 2]);
    // Its usual gap is 20 s by now: it stays for eight of them, and not for longer.
    await clock.advance(100_000);
    expect(hot.state).toBe('live');
    await clock.advance(80_000);
    expect(hot.state).toBe('idle');
  });

  it('keeps the wire of a link that waits for an answer, however long', async () => {
    const { clock, links, send } = await setUp(1, {}, () => undefined);
    const [link] = links as [Link];
    send(link);
    await clock.advance(limits.coldMaxMs + 60_000);
    expect(link.state).toBe('live');
  });

  it('lets a link go when the last of its servers has left the directory, after what is under way', async () => {
    const held: Incoming[] = [];
    const { clock, network, pool, entries, ways, send } = await setUp(1, {}, (incoming) => held.push(incoming));
    const [way] = ways as [Way];
    const second = registrationOf('s0', { server: 'ceph' });
    pool.acquire(second);
    const [one] = send(way.link) as [TestRequest];
    await clock.advance(20);
    pool.release(way, second);
    pool.release(way, entries[0] as Registration);
    await clock.advance(20);
    expect([one.told, network.now]).toEqual([[], 1]);
    held[0]?.reply('payload', 8);
    await clock.advance(20);
    expect([isAnswered(one), network.now]).toEqual([true, 0]);
    expect(await firstValueFrom(pool.peers$)).toEqual([]);
  });

  it('lets such a link go when the last that waits there is withdrawn', async () => {
    const { clock, network, pool, entries, ways, send } = await setUp(1);
    const [way] = ways as [Way];
    send(way.link);
    await clock.advance(20);
    const [unsent] = send(way.link) as [TestRequest];
    pool.release(way, entries[0] as Registration);
    unsent.isSettled = true;
    way.link.withdraw(unsent);
    await clock.advance(20);
    expect([network.now, await firstValueFrom(pool.peers$)]).toEqual([0, []]);
  });

  it('lets such a link go when another one takes its place as it comes to rest', async () => {
    const held: Incoming[] = [];
    const { clock, pool, entries, ways, send } = await setUp(2, { linksMax: 1 }, (incoming, host) => {
      if (host === 's0') held.push(incoming);
      else echo(incoming);
    });
    const [leaving, staying] = ways as [Way, Way];
    const [one] = send(leaving.link) as [TestRequest];
    await clock.advance(20);
    pool.release(leaving, entries[0] as Registration);
    one.reply = () => void send(staying.link);
    held[0]?.reply('payload', 8);
    await clock.advance(20);
    expect((await firstValueFrom(pool.peers$)).map(({ id }) => id)).toEqual(['s1-1']);
  });

  it('fails what waits for a server that has left the directory and cannot be reached', async () => {
    const { pool, send, clock, world } = await setUp(0);
    world.listenRaw('s0');
    const entry = registrationOf('s0');
    const way = pool.acquire(entry);
    const [one] = send(way.link) as [TestRequest];
    await clock.advance(20);
    pool.release(way, entry);
    expect(one.error).toMatchObject({ code: 'undeliverable', ran: 'no' });
    expect(await firstValueFrom(pool.peers$)).toEqual([]);
    await clock.advance(20);
    expect(world.sim.open().wires).toEqual([]);
  });
});
