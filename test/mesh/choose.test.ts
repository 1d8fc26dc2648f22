import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { hash32 } from '../../lib/core/hash.js';
import { choose, chooseByHash } from '../../lib/mesh/choose.js';
import { Route } from '../../lib/mesh/route.js';
import type { Way } from '../../lib/mesh/way.js';
import type { Outgoing } from '../../lib/ports/transport.js';
import { registrationOf } from './mesh-world.js';

const routeTo = (server: string, { inFlight = 0, usable = true, ejected = false } = {}): Route => {
  const registration = registrationOf(server);
  const way: unknown = { isUsable: usable };
  const route = new Route(registration, way as Way, { moveOn: () => undefined, eject: () => undefined });
  route.inFlight = inFlight;
  if (ejected) route.health.eject();
  return route;
};

/** How often each of the routes is chosen in so many turns. */
const tally = (routes: readonly Route[], balance: 'least-loaded' | 'round-robin', turns = 1_000): number[] => {
  const random = new SeededRandom(5);
  const counts = routes.map(() => 0);
  for (let turn = 1; turn <= turns; turn += 1) {
    const at = routes.indexOf(choose(routes, balance, turn, random) as Route);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
};

describe('choose', () => {
  it('has no choice with none or one, in whatever state', () => {
    const random = new SeededRandom(1);
    const down = routeTo('a', { usable: false });
    expect(choose([], 'least-loaded', 1, random)).toBeUndefined();
    expect(choose([down], 'least-loaded', 1, random)).toBe(down);
    expect(choose([down], 'round-robin', 7, random)).toBe(down);
  });

  it('tries a server again that was slow once, now and then', () => {
    const [fast, slow] = [routeTo('fast'), routeTo('slow')];
    const answer = (route: Route, ms: number): void => {
      const request = { wasSent: true, sentAt: 0 } as unknown as Outgoing;
      route.inFlight += 1;
      route.answered(request, ms);
    };
    for (let i = 0; i < 50; i += 1) {
      answer(fast, 1);
      answer(slow, 10);
    }
    const random = new SeededRandom(3);
    const tried = Array.from({ length: 1_000 }, (_, turn) => {
      const route = choose([fast, slow], 'least-loaded', turn, random) as Route;
      answer(route, route === fast ? 1 : 10);
      return route;
    });
    const slowly = tried.filter((route) => route === slow).length;
    expect(slowly).toBeGreaterThan(2);
    expect(slowly).toBeLessThan(50);
  });

  it('takes the lighter of two', () => {
    expect(tally([routeTo('a', { inFlight: 3 }), routeTo('b')], 'least-loaded')).toEqual([0, 1_000]);
  });

  it('never takes the heaviest of many, and the lightest most often', () => {
    const routes = [4, 1, 0, 9, 2].map((inFlight, i) => routeTo(`s${String(i)}`, { inFlight }));
    const [four = 0, one = 0, none = 0, nine, two = 0] = tally(routes, 'least-loaded');
    expect(nine).toBe(0);
    expect(none > one && one > two && two > four && four > 0).toBe(true);
  });

  it('spreads over equals evenly', () => {
    const counts = tally(
      ['a', 'b', 'c', 'd'].map((server) => routeTo(server)),
      'least-loaded',
      4_000,
    );
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(120);
  });

  it('keeps loads level to within a few requests, which one taken by chance would not', () => {
    const routes = Array.from({ length: 20 }, (_, i) => routeTo(`s${String(i)}`));
    const random = new SeededRandom(9);
    for (let turn = 0; turn < 20_000; turn += 1) (choose(routes, 'least-loaded', turn, random) as Route).inFlight += 1;
    const loads = routes.map(({ inFlight }) => inFlight);
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThan(10);
  });

  it('takes the next in turn, round after round', () => {
    const routes = ['a', 'b', 'c'].map((server) => routeTo(server));
    const random = new SeededRandom(1);
    const chosen = [3, 4, 5, 6, 7].map((turn) => choose(routes, 'round-robin', turn, random)?.server);
    expect(chosen).toEqual(['a', 'b', 'c', 'a', 'b']);
  });

  it('takes what is usable, whatever its load, as long as there is any', () => {
    const plan = fc.array(fc.record({ usable: fc.boolean(), inFlight: fc.nat(20) }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(plan, fc.constantFrom('least-loaded' as const, 'round-robin' as const), fc.nat(), (specs, balance, turn) => {
        const routes = specs.map((spec, i) => routeTo(`s${String(i)}`, spec));
        const chosen = choose(routes, balance, turn, new SeededRandom(turn));
        expect(chosen?.way.isUsable).toBe(specs.some(({ usable }) => usable));
      }),
    );
  });

  it('gives the turns of those that are not usable to the others', () => {
    const routes = [routeTo('a'), routeTo('b', { usable: false }), routeTo('c')];
    const counts = tally(routes, 'round-robin', 900);
    expect(counts[1]).toBe(0);
    expect(Math.min(counts[0] ?? 0, counts[2] ?? 0)).toBeGreaterThanOrEqual(300);
  });
});

describe('choose, where servers are ejected', () => {
  it('gives their turns to the others', () => {
    for (const balance of ['least-loaded', 'round-robin'] as const) {
      const routes = [routeTo('a'), routeTo('b', { ejected: true }), routeTo('c', { inFlight: 9 })];
      const counts = tally(routes, balance, 900);
      expect(counts[1]).toBe(0);
      expect(counts.reduce((sum, count) => sum + count)).toBe(900);
    }
  });

  it('prefers them to those that are not usable', () => {
    const routes = [routeTo('a', { usable: false }), routeTo('b', { ejected: true }), routeTo('c', { usable: false })];
    expect(tally(routes, 'least-loaded', 100)).toEqual([0, 100, 0]);
    expect(tally(routes, 'round-robin', 100)).toEqual([0, 100, 0]);
  });

  it('takes them again where more than half of those that are usable would be out', () => {
    const routes = [
      routeTo('a', { ejected: true }),
      routeTo('b', { ejected: true }),
      routeTo('c'),
      routeTo('d', { usable: false }),
    ];
    expect(Math.min(...tally(routes, 'round-robin', 300).slice(0, 2))).toBeGreaterThan(0);
  });
});

describe('choose by hash', () => {
  const servers = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 2, maxLength: 12 });
  const keys = Array.from({ length: 200 }, (_, i) => `key ${String(i)}`);
  const at = (routes: readonly Route[]) => keys.map((key) => chooseByHash(routes, hash32(key))?.server);

  it('has no choice with none', () => {
    expect(chooseByHash([], 1)).toBeUndefined();
  });

  it('takes the same server for a key, in whatever order they stand', () => {
    fc.assert(
      fc.property(servers, fc.nat(), (names, seed) => {
        const order = new SeededRandom(seed);
        const other = names.map((name) => ({ name, by: order.next() })).sort((a, b) => a.by - b.by);
        expect(at(other.map(({ name }) => routeTo(name)))).toEqual(at(names.map((name) => routeTo(name))));
      }),
    );
  });

  it('moves the keys of a server that leaves, is down or is ejected, and no others', () => {
    fc.assert(
      fc.property(servers, fc.nat(), fc.constantFrom('left', 'down', 'ejected'), (names, pick, how) => {
        const gone = names[pick % names.length];
        const before = at(names.map((name) => routeTo(name)));
        const left = how === 'left' ? names.filter((name) => name !== gone) : names;
        const after = at(
          left.map((name) =>
            routeTo(name, { usable: name !== gone || how !== 'down', ejected: name === gone && how === 'ejected' }),
          ),
        );
        keys.forEach((_key, i) => {
          if (before[i] === gone) expect(after[i]).not.toBe(gone);
          else expect(after[i]).toBe(before[i]);
        });
      }),
    );
  });

  it('spreads keys over servers evenly, and those of one that leaves over the others', () => {
    const names = Array.from({ length: 10 }, (_, i) => `host-${String(i)}@work`);
    const routes = names.map((name) => routeTo(name));
    const many = Array.from({ length: 20_000 }, (_, i) => hash32(`user/${String(i)}`));
    const counts = new Map<string, number>();
    const moved = new Map<string, number>();
    for (const hash of many) {
      const chosen = chooseByHash(routes, hash) as Route;
      counts.set(chosen.server, (counts.get(chosen.server) ?? 0) + 1);
      if (chosen !== routes[0]) continue;
      const next = chooseByHash(routes.slice(1), hash) as Route;
      moved.set(next.server, (moved.get(next.server) ?? 0) + 1);
    }
    expect(counts.size).toBe(10);
    for (const count of counts.values()) expect(Math.abs(count - 2_000)).toBeLessThan(200);
    expect(moved.size).toBe(9);
    for (const count of moved.values()) expect(Math.abs(count - 222)).toBeLessThan(70);
  });

  it('takes what is usable, ejected or not, before what is not', () => {
    const routes = [routeTo('a', { usable: false }), routeTo('b', { ejected: true }), routeTo('c', { usable: false })];
    expect(new Set(at(routes))).toEqual(new Set(['b']));
    expect(at([routeTo('a', { usable: false })])[0]).toBe('a');
  });
});

describe('the load of a route', () => {
  it('grows with what is under way and with how long that took lately', () => {
    const [idle, busy, slow] = [routeTo('a'), routeTo('b', { inFlight: 2 }), routeTo('c')];
    slow.inFlight = 1;
    slow.answered({ wasSent: true, sentAt: 0 } as never, 100);
    expect(busy.load).toBeGreaterThan(idle.load);
    expect(slow.load).toBeGreaterThan(busy.load);
    for (let i = 0; i < 100; i += 1) {
      slow.inFlight += 1;
      slow.answered({ wasSent: true, sentAt: 0 } as never, 0);
    }
    expect(slow.load).toBeCloseTo(idle.load, 2);
  });

  it('takes no sample from what never got as far as the wire', () => {
    const route = routeTo('a', { inFlight: 1 });
    const { load } = routeTo('b');
    route.answered({ wasSent: false, sentAt: 0 } as never, 5_000);
    expect(route.load).toBe(load);
  });
});
