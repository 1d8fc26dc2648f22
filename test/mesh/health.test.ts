import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { SkeinError } from '../../lib/core/errors.js';
import { Ejections } from '../../lib/mesh/ejections.js';
import { Health } from '../../lib/mesh/health.js';
import { Route } from '../../lib/mesh/route.js';
import type { Way } from '../../lib/mesh/way.js';
import type { Outgoing } from '../../lib/ports/transport.js';
import { registrationOf } from './mesh-world.js';

const failTimes = (health: Health, times: number): boolean[] => Array.from({ length: times }, () => health.failed());

describe('the health of a server', () => {
  it('is bad after five failures in a row', () => {
    const health = new Health();
    expect(failTimes(health, 5)).toEqual([false, false, false, false, true]);
  });

  it('starts counting anew with each success', () => {
    const health = new Health();
    failTimes(health, 4);
    health.succeeded();
    expect(failTimes(health, 5)).toEqual([false, false, false, false, true]);
  });

  it('lets it be ejected for a second, and for twice as long each time that it fails on its return, up to 30 s', () => {
    const health = new Health();
    failTimes(health, 5);
    const times: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      times.push(health.eject());
      health.return();
      expect(health.failed()).toBe(true);
    }
    expect(times).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('is as good as new after one success on its return', () => {
    const health = new Health();
    failTimes(health, 5);
    health.eject();
    health.return();
    health.failed();
    health.eject();
    health.return();
    health.succeeded();
    expect(failTimes(health, 5)).toEqual([false, false, false, false, true]);
    expect(health.eject()).toBe(1_000);
  });

  it('does not change by what was sent before it was ejected', () => {
    const health = new Health();
    failTimes(health, 5);
    health.eject();
    expect(failTimes(health, 5)).toEqual([false, false, false, false, false]);
    health.succeeded();
    expect(health.isEjected).toBe(true);
    health.return();
    expect(health.failed()).toBe(true);
    expect(health.eject()).toBe(2_000);
  });
});

const setUp = (count: number) => {
  const clock = new VirtualClock({ epochMs: 0 });
  const counter = { total: 0 };
  const notes: number[] = [];
  const ways = Array.from({ length: count }, () => ({ isUsable: true, link: { withdraw: () => undefined } }));
  const ejections: Ejections = new Ejections(clock, counter, () => notes.push(ejections.size));
  const routes: Route[] = ways.map(
    (way, i) =>
      new Route(registrationOf(`s${String(i)}`), way as unknown as Way, {
        moveOn: () => undefined,
        eject: (route) => ejections.consider(route, routes),
      }),
  );
  const out = (): string[] => routes.filter(({ health }) => health.isEjected).map(({ server }) => server);
  return { clock, counter, notes, ways, ejections, routes, out };
};

const sent = (more: Partial<Outgoing> = {}) =>
  ({ wasSent: true, sentAt: 0, deadline: 60_000, expects: () => false, ...more }) as unknown as Outgoing;
const broken = new SkeinError('remote-error', { name: 'Error', code: undefined, details: undefined });
const failFive = (route: Route | undefined, error: SkeinError = broken): void => {
  for (let i = 0; i < 5; i += 1) route?.answered(sent(), 1, error);
};

describe('ejections', () => {
  it('take a server that fails out, count it, and let it back by themselves', async () => {
    const { clock, counter, notes, routes, out } = setUp(3);
    failFive(routes[1]);
    expect(out()).toEqual(['s1']);
    await clock.advance(999);
    expect(out()).toEqual(['s1']);
    await clock.advance(2);
    expect(out()).toEqual([]);
    expect(counter.total).toBe(1);
    expect(notes).toEqual([1, 0]);
    routes[1]?.answered(sent(), 1, broken);
    await clock.advance(1_999);
    expect(out()).toEqual(['s1']);
    await clock.advance(2);
    expect(out()).toEqual([]);
  });

  it.each([
    [1, []],
    [2, ['s0']],
    [3, ['s0']],
    [4, ['s0', 's1']],
    [5, ['s0', 's1']],
  ])('of %i servers that all fail are at most half', (count, expected) => {
    const { routes, out } = setUp(count);
    for (const route of routes) failFive(route);
    expect(out()).toEqual(expected);
  });

  it('count only those that are usable', () => {
    const { ways, routes, out } = setUp(4);
    for (const way of ways.slice(2)) way.isUsable = false;
    for (const route of routes) failFive(route);
    expect(out()).toEqual(['s0']);
  });

  it('leave no timer behind', () => {
    const { clock, ejections, routes } = setUp(4);
    failFive(routes[0]);
    failFive(routes[1]);
    ejections.forget(routes[0] as Route);
    ejections.close();
    expect(ejections.size).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it.each(['link-lost', 'peer-silent', 'deadline-exceeded', 'remote-error'] as const)('come of %s', (code) => {
    const { routes, out } = setUp(2);
    failFive(routes[0], new SkeinError(code, {} as never, { message: 'x' }));
    expect(out()).toEqual(['s0']);
  });

  it.each(['overloaded', 'cancelled', 'closed', 'no-such-method', 'invalid-argument', 'forbidden', 'undeliverable'] as const)(
    'do not come of %s, which is no success either',
    (code) => {
      const { routes, out } = setUp(2);
      for (let i = 0; i < 4; i += 1) routes[0]?.answered(sent(), 1, broken);
      failFive(routes[0], new SkeinError(code, {} as never, { message: 'x' }));
      expect(out()).toEqual([]);
      routes[0]?.answered(sent(), 1, broken);
      expect(out()).toEqual(['s0']);
    },
  );

  it('do not come of an error that the method is expected to give', () => {
    const { routes, out } = setUp(2);
    for (let i = 0; i < 9; i += 1) routes[0]?.answered(sent({ expects: (error) => error === broken }), 1, broken);
    expect(out()).toEqual([]);
  });

  it('come of requests whose time is up after they were sent, and not of those that are withdrawn before', () => {
    const { routes, out } = setUp(2);
    for (let i = 0; i < 9; i += 1) routes[0]?.withdraw(sent({ deadline: 100 }), 99);
    for (let i = 0; i < 9; i += 1) routes[0]?.withdraw(sent({ deadline: 100, wasSent: false }), 100);
    expect(out()).toEqual([]);
    for (let i = 0; i < 5; i += 1) routes[0]?.withdraw(sent({ deadline: 100 }), 100);
    expect(out()).toEqual(['s0']);
  });
});
