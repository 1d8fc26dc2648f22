import fc from 'fast-check';
import { debounceTime, delay, from, interval, map, mergeMap, of, Subject, take, timeout, timer, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SeededIds } from '../../lib/adapters/sim/seeded-ids.js';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';

const startMs = Date.UTC(2020);

describe('VirtualClock', () => {
  it('stands still until it is moved on', async () => {
    const clock = new VirtualClock();
    expect(clock.now()).toBe(startMs);
    await clock.advance(1_500);
    expect(clock.now()).toBe(startMs + 1_500);
  });

  it('runs events in order of time, those of one instant in the order in which they were scheduled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ ms: fc.nat(50), cancel: fc.boolean() })), async (plan) => {
        const clock = new VirtualClock();
        const ran: number[] = [];
        const scheduled = plan.map(({ ms }, i) => clock.schedule(() => ran.push(i), ms));
        plan.forEach(({ cancel }, i) => cancel && scheduled[i]?.unsubscribe());
        await clock.advance(50);
        const kept = plan.map((event, i) => ({ ...event, i })).filter(({ cancel }) => !cancel);
        expect(ran).toEqual(kept.sort((a, b) => a.ms - b.ms || a.i - b.i).map(({ i }) => i));
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('lets promises and async iterators go on between events, without any time passing', async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const work = async function* () {
      await Promise.resolve();
      yield 'a';
      await Promise.resolve();
      yield 'b';
    };
    clock.schedule(() => {
      from(work()).subscribe((value) => log.push(`${value} at ${String(clock.now() - startMs)}`));
    }, 10);
    clock.schedule(() => log.push('next'), 10);
    await clock.advance(10);
    expect(log).toEqual(['a at 10', 'b at 10', 'next']);
  });

  it('runs what an event schedules for the same instant within it', async () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    clock.schedule(() => {
      ran.push(1);
      clock.schedule(() => ran.push(2));
    }, 5);
    await clock.advance(5);
    expect(ran).toEqual([1, 2]);
  });

  it('serves the operators that take a scheduler', async () => {
    const clock = new VirtualClock();
    const log: unknown[] = [];
    const note = (what: unknown): void => void log.push([clock.now() - startMs, what]);
    interval(100, clock).pipe(take(2)).subscribe(note);
    of('late').pipe(delay(250, clock)).subscribe(note);
    new Subject().pipe(timeout({ first: 300, scheduler: clock })).subscribe({
      error: () => {
        note('timeout');
      },
    });
    const typed = new Subject<string>();
    typed.pipe(debounceTime(50, clock)).subscribe(note);
    timer(310, 20, clock)
      .pipe(
        take(2),
        map((n) => String(n)),
      )
      .subscribe(typed);
    await clock.advance(1_000);
    expect(log).toEqual([
      [100, 0],
      [200, 1],
      [250, 'late'],
      [300, 'timeout'],
      [330, '1'],
    ]);
    expect(clock.pending).toBe(0);
  });

  it('runs until a promise settles, and takes its outcome', async () => {
    const clock = new VirtualClock();
    const later = new Promise<string>((resolve) => {
      clock.schedule(() => {
        resolve('done');
      }, 700);
    });
    expect(await clock.runUntil(later)).toBe('done');
    expect(clock.now()).toBe(startMs + 700);
    await expect(clock.runUntil(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('runs until a condition holds', async () => {
    const clock = new VirtualClock();
    let beats = 0;
    const beating = interval(1_000, clock).subscribe(() => (beats += 1));
    await clock.runUntil(() => beats === 3);
    expect(clock.now()).toBe(startMs + 3_000);
    await expect(clock.runUntil(() => false, 5_000)).rejects.toThrow('[deadline-exceeded]');
    beating.unsubscribe();
    await expect(clock.runUntil(() => false)).rejects.toThrow('nothing is left to happen');
  });

  it('refuses to run without end at one instant', async () => {
    const clock = new VirtualClock({ eventsPerInstantMax: 1_000 });
    clock.schedule(function () {
      this.schedule();
    }, 20);
    await expect(clock.advance(100)).rejects.toThrow('more than 1000 events at 2020-01-01T00:00:00.020Z');
  });

  it('refuses to be moved on by two at once, and rejects with what an event throws', async () => {
    const clock = new VirtualClock();
    const first = clock.advance(1);
    await expect(clock.advance(1)).rejects.toThrow('[invalid-argument]');
    await first;
    clock.schedule(() => {
      throw new Error('broken');
    });
    await expect(clock.advance(1)).rejects.toThrow('broken');
    await clock.advance(1);
  });

  it('replays the same run from the same start', async () => {
    const run = async (): Promise<unknown> => {
      const clock = new VirtualClock();
      const random = new SeededRandom(7);
      const all = from(Array.from({ length: 50 }, (_, i) => i)).pipe(
        mergeMap((i) => timer(random.next() * 100, clock).pipe(map(() => [i, clock.now()]))),
        toArray(),
      );
      return clock.runUntil(new Promise((resolve) => all.subscribe(resolve)));
    };
    expect(await run()).toEqual(await run());
  });
});

describe('SeededRandom', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    const draw = (seed: number): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 100 }, () => random.next());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('spreads evenly from 0 up to 1', () => {
    const random = new SeededRandom(42);
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i += 1) {
      const tenth = Math.floor(random.next() * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});

describe('SeededIds', () => {
  it('makes the same ids in every run, which rise, and none that another node makes', async () => {
    const make = async (name: string): Promise<string[]> => {
      const clock = new VirtualClock();
      const ids = new SeededIds(name, clock);
      const made = [ids.next(), ids.next()];
      await clock.advance(5);
      return [...made, ids.next()];
    };
    const made = await make('a@b');
    expect(made).toEqual(await make('a@b'));
    expect(made).toEqual([...made].sort());
    expect(made.every((id) => /^[A-Za-z0-9-]+$/.test(id))).toBe(true);
    const names = ['a@b', 'ab', 'a-b', 'a--b', 'a-1s-b'];
    const all = (await Promise.all(names.map(make))).flat();
    expect(new Set(all).size).toBe(all.length);
  });
});
