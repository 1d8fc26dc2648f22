import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { asyncScheduler, VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import type { Timed } from '../../lib/core/timed.js';
import { DeadlineWheel } from '../../lib/operators/deadline-wheel.js';
import { marbles } from '../../lib/testing.js';

class Deadline implements Timed {
  readonly deadline: number;
  earlier: Timed | undefined = undefined;
  later: Timed | undefined = undefined;
  tick = 0;
  readonly #expired: () => void;

  constructor(deadline: number, expired: () => void = () => {}) {
    this.deadline = deadline;
    this.#expired = expired;
  }

  expire(): void {
    this.#expired();
  }
}

/** A wheel of a few slots, with ticks of 5 ms, and a note of what expired when. */
const setUp = (slots = 16) => {
  const clock = new VirtualTimeScheduler();
  const wheel = new DeadlineWheel(clock, 5, slots);
  const log: [name: string, at: number][] = [];
  const put = (name: string, deadline: number): Deadline => {
    const timed = new Deadline(deadline, () => log.push([name, clock.now()]));
    wheel.add(timed);
    return timed;
  };
  return { clock, wheel, log, put };
};

describe('DeadlineWheel', () => {
  it('expires what is due at the first tick at or behind its deadline', () => {
    const { clock, wheel, log, put } = setUp();
    put('a', 7);
    put('b', 10);
    put('c', 10.01);
    put('d', 1);
    expect(wheel.size).toBe(4);
    clock.flush();
    expect(log).toEqual([
      ['d', 5],
      ['a', 10],
      ['b', 10],
      ['c', 15],
    ]);
    expect(wheel.size).toBe(0);
  });

  it('is never early, and at most one tick late, with thousands that come and go in any order', () => {
    const plan = fc.array(
      fc.record({ atMs: fc.nat(500), inMs: fc.integer({ min: -20, max: 2_000 }), removeMs: fc.option(fc.nat(2_000)) }),
      { minLength: 1, maxLength: 2_000, size: 'max' },
    );
    fc.assert(
      fc.property(plan, (steps) => {
        const { clock, wheel } = setUp();
        const expired = new Map<number, number>();
        const removed = new Map<number, number>();
        const due = new Map<number, number>();
        steps.forEach(({ atMs, inMs, removeMs }, i) => {
          const timed = new Deadline(atMs + inMs, () => {
            expect(expired.has(i) || removed.has(i)).toBe(false);
            expired.set(i, clock.now());
          });
          due.set(i, Math.max(atMs, atMs + inMs));
          clock.schedule(() => {
            wheel.add(timed);
          }, atMs);
          if (removeMs === null) return;
          clock.schedule(() => {
            if (!expired.has(i)) removed.set(i, clock.now());
            wheel.remove(timed);
          }, atMs + removeMs);
        });
        clock.flush();
        for (const [i, dueMs] of due) {
          const at = expired.get(i);
          if (at === undefined) expect(removed.get(i)).toBeLessThanOrEqual(dueMs + 5);
          else {
            expect(at).toBeGreaterThanOrEqual(dueMs);
            expect(at).toBeLessThanOrEqual(dueMs + 5);
          }
        }
        expect(expired.size + removed.size).toBe(steps.length);
        expect(wheel.size).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps 100,000 deadlines in order to the tick', () => {
    const { clock, wheel, log, put } = setUp(1_024);
    const random = new SeededRandom(3);
    for (let i = 0; i < 100_000; i += 1) put('', Math.floor(random.next() * 60_000));
    expect(wheel.size).toBe(100_000);
    clock.flush();
    expect(log).toHaveLength(100_000);
    expect(log.every(([, at], i) => i === 0 || at >= (log[i - 1]?.[1] ?? 0))).toBe(true);
  });

  it('forgets what was taken off, also within the very tick', () => {
    const { clock, wheel, log, put } = setUp();
    const a = put('a', 10);
    const c = new Deadline(10, () => log.push(['c', clock.now()]));
    wheel.add(
      new Deadline(10, () => {
        log.push(['b', clock.now()]);
        wheel.remove(c);
      }),
    );
    wheel.add(c);
    wheel.remove(a);
    expect(wheel.size).toBe(2);
    clock.flush();
    expect(log).toEqual([['b', 10]]);
    expect(wheel.size).toBe(0);
  });

  it('has nothing against removing what is on no wheel', () => {
    const { clock, wheel, put } = setUp();
    wheel.remove(new Deadline(10));
    const a = put('a', 10);
    clock.flush();
    wheel.remove(a);
    wheel.remove(a);
    expect(wheel.size).toBe(0);
  });

  it('takes what is added from within an expiry, at the earliest at the next tick', () => {
    const { clock, wheel, log } = setUp();
    let left = 4;
    const again = new Deadline(3, () => {
      log.push(['again', clock.now()]);
      left -= 1;
      if (left > 0) wheel.add(again);
    });
    wheel.add(again);
    clock.flush();
    expect(log.map(([, at]) => at)).toEqual([5, 10, 15, 20]);
  });

  it('expires what was due before it was added by the next tick, but not within the call that adds it', () => {
    const { clock, log, put } = setUp();
    clock.schedule(() => {
      put('past', -1_000);
      put('now', 12);
      expect(log).toEqual([]);
    }, 12);
    clock.flush();
    expect(log).toEqual([
      ['past', 12],
      ['now', 15],
    ]);
  });

  it('holds deadlines far beyond one turn of the wheel', () => {
    const { clock, log, put } = setUp(4);
    put('far', 1_003);
    put('near', 12);
    put('same slot', 12 + 4 * 5);
    clock.flush();
    expect(log).toEqual([
      ['near', 15],
      ['same slot', 35],
      ['far', 1_005],
    ]);
  });

  it('expires all that came due while its process stood still', async () => {
    let stallMs = 0;
    class StallingClock extends VirtualClock {
      override now(): number {
        return super.now() + stallMs;
      }
    }
    const clock = new StallingClock({ epochMs: 0 });
    const wheel = new DeadlineWheel(clock, 5, 4);
    const log: string[] = [];
    for (const deadline of [10, 20, 45, 90, 400]) wheel.add(new Deadline(deadline, () => log.push(String(deadline))));
    await clock.advance(9);
    stallMs = 100;
    await clock.advance(1);
    expect(log.sort()).toEqual(['10', '20', '45', '90']);
    await clock.advance(300);
    expect(log).toContain('400');
    expect(clock.pending).toBe(0);
  });

  it('sleeps while it is empty, and wakes no more often than there are ticks with something in them', async () => {
    const clock = new VirtualClock({ epochMs: 0 });
    const wheel = new DeadlineWheel(clock, 5);
    expect(clock.pending).toBe(0);
    wheel.add(new Deadline(60_000));
    expect(clock.pending).toBe(1);
    const soon = new Deadline(40);
    wheel.add(soon);
    expect(clock.pending).toBe(1);
    wheel.remove(soon);
    await clock.advance(59_999);
    expect([clock.pending, wheel.size]).toEqual([1, 1]);
    await clock.advance(1);
    expect([clock.pending, wheel.size]).toEqual([0, 0]);
  });

  it('puts off what has got more time while it was on the wheel, and expires it then', () => {
    const { clock, wheel, log } = setUp();
    let deadline = 20;
    const timed: Timed = {
      get deadline() {
        return deadline;
      },
      earlier: undefined,
      later: undefined,
      tick: 0,
      expire: () => log.push(['put off', clock.now()]),
    };
    wheel.add(timed);
    clock.schedule(() => (deadline = 302), 10);
    clock.flush();
    expect(log).toEqual([['put off', 305]]);
    expect(wheel.size).toBe(0);
  });

  it('tells all that is on it, and nothing else', () => {
    const { clock, wheel, put } = setUp(4);
    const all = [3, 7, 7, 40, 400, -5].map((deadline, i) => put(String(i), deadline));
    expect(new Set(wheel)).toEqual(new Set(all));
    wheel.remove(all[2] as Timed);
    clock.maxFrames = 20;
    clock.flush();
    expect(new Set(wheel)).toEqual(new Set([all[3], all[4]]));
    expect([...wheel]).toHaveLength(wheel.size);
  });

  it('never expires anything once it is closed, nor keeps a timer', async () => {
    const clock = new VirtualClock({ epochMs: 0 });
    const wheel = new DeadlineWheel(clock, 5);
    const log: string[] = [];
    wheel.add(
      new Deadline(10, () => {
        log.push('first');
        wheel.close();
      }),
    );
    wheel.add(new Deadline(10, () => log.push('second')));
    await clock.advance(10);
    wheel.add(new Deadline(20, () => log.push('third')));
    expect(clock.pending).toBe(0);
    await clock.advance(100);
    expect(log).toEqual(['first']);
  });

  it('takes any scheduler for its clock', () =>
    marbles(async ({ clock }) => {
      const startMs = clock.now();
      const logs = [clock, asyncScheduler].map((scheduler) => {
        const wheel = new DeadlineWheel(scheduler, 5);
        const log: number[] = [];
        for (const inMs of [12, 3, 29]) wheel.add(new Deadline(startMs + inMs, () => log.push(scheduler.now() - startMs)));
        return log;
      });
      await sleep(100);
      expect(logs).toEqual([
        [5, 15, 30],
        [5, 15, 30],
      ]);
    }));
});
