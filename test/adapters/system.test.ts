import {
  asyncScheduler,
  debounceTime,
  firstValueFrom,
  interval,
  observeOn,
  of,
  Subject,
  take,
  timeout,
  timer,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { CountingMeter } from '../../lib/adapters/system/counting-meter.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { SystemIds } from '../../lib/adapters/system/system-ids.js';
import { SystemRandom } from '../../lib/adapters/system/system-random.js';
import type { Clock } from '../../lib/ports/clock.js';

const clock = new SystemClock();

describe('SystemClock', () => {
  it('tells epoch ms that never run backwards', () => {
    expect(Math.abs(clock.now() - asyncScheduler.now())).toBeLessThan(1_000);
    let last = clock.now();
    for (let i = 0; i < 10_000; i += 1) {
      const now = clock.now();
      expect(now >= last).toBe(true);
      last = now;
    }
  });

  it('runs work without delay once the present turn is over, in order', async () => {
    const ran: number[] = [];
    const done = new Promise<void>((resolve) => {
      clock.schedule<number>((n) => ran.push(n), 0, 1);
      clock.schedule((n) => ran.push(n), 0, 2);
      clock.schedule(() => {
        resolve();
      });
    });
    await Promise.resolve();
    expect(ran).toEqual([]);
    await done;
    expect(ran).toEqual([1, 2]);
  });

  it('never runs work early', async () => {
    for (const delay of [0.4, 1, 2.5, 7]) {
      const dueMs = clock.now() + delay;
      const ranMs = await new Promise<number>((resolve) => {
        clock.schedule(() => {
          resolve(clock.now());
        }, delay);
      });
      expect(ranMs).toBeGreaterThanOrEqual(dueMs);
    }
  });

  it('keeps waits that are longer than what a timer of Node takes', async () => {
    let ran = false;
    const scheduled = clock.schedule(() => (ran = true), 2 ** 40);
    await firstValueFrom(timer(5, clock));
    scheduled.unsubscribe();
    expect(ran).toBe(false);
  });

  it('runs nothing that was unsubscribed, with and without delay', async () => {
    let ran = 0;
    for (const delay of [0, 1]) clock.schedule(() => (ran += 1), delay).unsubscribe();
    await firstValueFrom(timer(5, clock));
    expect(ran).toBe(0);
  });

  it('runs work again as often as the work schedules itself, then closes', async () => {
    const seen: number[] = [];
    const scheduled = await new Promise<{ closed: boolean }>((resolve) => {
      const action = clock.schedule<number>(
        function (n) {
          seen.push(n);
          if (n < 3) this.schedule(n + 1, n === 1 ? 0 : 1);
          else {
            clock.schedule(() => {
              resolve(action);
            });
          }
        },
        0,
        1,
      );
    });
    expect(seen).toEqual([1, 2, 3]);
    expect(scheduled.closed).toBe(true);
  });

  it('serves the operators that take a scheduler', async () => {
    expect(await firstValueFrom(interval(1, clock).pipe(take(3), toArray()))).toEqual([0, 1, 2]);
    expect(await firstValueFrom(of(1, 2).pipe(observeOn(clock), toArray()))).toEqual([1, 2]);
    await expect(firstValueFrom(new Subject().pipe(timeout({ each: 2, scheduler: clock })))).rejects.toThrow('Timeout');
    const typed = new Subject<string>();
    const settled = firstValueFrom(typed.pipe(debounceTime(2, clock)));
    typed.next('a');
    typed.next('b');
    expect(await settled).toBe('b');
  });
});

describe('SystemIds', () => {
  it('makes ids that rise, also within one ms and where the clock stands still', () => {
    class StoppedClock extends SystemClock {
      override now(): number {
        return 1_700_000_000_000;
      }
    }
    for (const time of [clock, new StoppedClock()] satisfies Clock[]) {
      const ids = new SystemIds(time);
      const made = Array.from({ length: 20_000 }, () => ids.next());
      expect(made.every((id, i) => i === 0 || id > (made[i - 1] ?? ''))).toBe(true);
      expect(made.every((id) => /^[a-z0-9]{25}$/.test(id))).toBe(true);
    }
  });

  it('tells sources apart that make ids in the same ms', () => {
    const ids = Array.from({ length: 1_000 }, () => new SystemIds(clock).next());
    expect(new Set(ids).size).toBe(1_000);
  });
});

it('SystemRandom stays from 0 up to 1', () => {
  const random = new SystemRandom();
  for (let i = 0; i < 1_000; i += 1) expect(random.next()).toSatisfy((n: number) => n >= 0 && n < 1);
});

it('ConsoleLogger hands sentence and fields to the method of its level', () => {
  const lines: unknown[] = [];
  const write =
    (level: string) =>
    (...line: unknown[]) =>
      lines.push([level, ...line]);
  const logger = new ConsoleLogger({ debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') });
  logger.debug('a');
  logger.info('b', { c: 1 });
  logger.warn('d');
  logger.error('e', { f: 2 });
  expect(lines).toEqual([
    ['debug', 'a'],
    ['info', 'b', { c: 1 }],
    ['warn', 'd'],
    ['error', 'e', { f: 2 }],
  ]);
});

it('CountingMeter gives the same counter for the same name and reads them all', () => {
  const meter = new CountingMeter();
  meter.counter('a').total += 2;
  meter.counter('a').total += 1;
  meter.counter('b');
  expect(meter.counter('a')).toBe(meter.counter('a'));
  expect([...meter.read()]).toEqual([
    ['a', 3],
    ['b', 0],
  ]);
});
