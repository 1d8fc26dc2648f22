import { setTimeout as sleep } from 'node:timers/promises';
import { interval, map, mergeMap, scan, Subject, take, timer } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { call, contract, type Node, settle } from '../../lib/index.js';
import { explore, type ExploreOptions, type Scenario } from '../../lib/testing.js';
import { drawFaults, type Fault, planFaults } from '../../lib/testing/explore/fault-plan.js';
import { blurred } from '../../lib/testing/explore/invariants.js';
import { shrink } from '../../lib/testing/explore/shrink.js';

vi.setConfig({ testTimeout: 120_000 });

const Orders = contract('orders', '1.0', { place: call<string, string>({ idempotent: true }) });

const serve = (node: Node) => node.serve(Orders, { place: (order) => `${order}@${node.name}` });

const serveSlowly = (node: Node) => node.serve(Orders, { place: (order) => sleep(20_000, order) });

const failureOf = async (options: ExploreOptions, scenario: Scenario): Promise<string> => {
  const failure: unknown = await explore(options, scenario).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  return (failure as Error).message;
};

describe('explore', () => {
  it('runs a scenario over many seeds, with faults of each kind', async () => {
    let runs = 0;
    await explore({ seeds: 30 }, ({ node, eventually }) => {
      runs += 1;
      const api = node('api').client(Orders, { timeoutMs: 5_000, retries: 5 });
      for (const name of ['a', 'b']) node(name, serve);
      const ended$ = interval(500).pipe(
        take(60),
        mergeMap((number) => settle(api.place(String(number)))),
        scan((count) => count + 1, 0),
      );
      eventually(ended$, (count) => count === 60, 40_000);
      eventually(timer(0, 1_000).pipe(mergeMap(() => settle(api.place('x', { timeoutMs: 900 })))), ({ ok }) => ok, 40_000);
    });
    expect(runs).toBe(30);
    const planned = Array.from({ length: 200 }, (_, seed) => planFaults(seed, {}, ['a', 'b', 'c'])).flat();
    expect(new Set(planned.map(({ kind }) => kind)).size).toBe(10);
  });

  it('shows the seed that fails, with the fewest faults, and how to see it again', async () => {
    const scenario: Scenario = ({ node, always }) => {
      const api = node('api').client(Orders, { timeoutMs: 1_000 });
      node('a', serve);
      always(
        interval(500).pipe(
          take(80),
          mergeMap((number) => settle(api.place(String(number)))),
        ),
        ({ ok }) => ok,
      );
    };
    const faults = { kinds: ['cut', 'delay', 'jump'] as const, count: [3, 6] as const, forMs: [3_000, 9_000] as const };
    const message = await failureOf({ seeds: 50, faults }, scenario);
    expect(message).toMatch(/^always at test\/testing\/explore\.test\.ts:\d+:\d+ was broken by \{\n {2}ok: false,/);
    const [, seed = '', , place = '', diagram = ''] =
      /seed (\d+) fails with these faults:\n\n(( {2}(api<>a|api>a|a<>api|a>api) {2}(.*\bx\b.*)\n)+)\n?.*see it again: SKEIN_SEED=\1 npx vitest run test\/testing\/explore\.test\.ts$/s.exec(
        message,
      ) ?? [];
    expect(place).not.toBe('');
    expect(message.match(/^ {2}\S+ {2}.*$/gm)?.filter((line) => line.includes(' x '))).toHaveLength(1);

    process.env.SKEIN_SEED = seed;
    onTestFinished(() => {
      delete process.env.SKEIN_SEED;
    });
    let runs = 0;
    const again = await failureOf({ seeds: 50, faults }, (world) => {
      runs += 1;
      return scenario(world);
    });
    expect(again).toContain(diagram);
    expect(runs).toBeLessThan(102);
  });

  it('says so where no fault is needed', async () => {
    const message = await failureOf({ seeds: 5 }, async ({ node, never }) => {
      node('a');
      never(timer(1_000).pipe(map(() => 'bad')), (value) => value === 'bad');
      await sleep(2_000);
    });
    expect(message).toMatch(/^never at test\/.* was broken by 'bad', at 1s\n/);
    expect(message).toContain(
      'seed 1 fails without any fault; see it again: SKEIN_SEED=1 npx vitest run test/testing/explore.test.ts',
    );
  });

  it('waits for what is to be so until the last fault is long over', async () => {
    const scenario =
      (afterMs: number): Scenario =>
      ({ node, eventually }) => {
        node('a').faults('5s k 5s s');
        eventually(timer(afterMs), () => true, 10_000);
      };
    await explore({ seeds: 1, faults: { count: [0, 0] } }, scenario(19_000));
    expect(await failureOf({ seeds: 1, faults: { count: [0, 0] } }, scenario(21_000))).toMatch(
      /^eventually at .* is not so 10s after the last fault: there was no value, at 20s\n/,
    );
  });

  it('counts faults that are told of later', () =>
    explore({ seeds: 1, faults: { count: [0, 0] } }, async ({ node, eventually }) => {
      const a = node('a');
      eventually(timer(7_500), () => true, 1_000);
      await sleep(100);
      a.faults('6s k 1s s');
    }));

  it('waits for a node that comes back only once it has drained', () =>
    explore({ seeds: 1, faults: { count: [0, 0] } }, async ({ node, clock, afterFaults }) => {
      const startMs = clock.now();
      node('a', serveSlowly).faults('100ms q 100ms s');
      const api = node('api').client(Orders, { timeoutMs: 30_000 });
      const slow = settle(api.place('x')).then((outcome) => outcome);
      await afterFaults(1_000);
      expect(clock.now() - startMs).toBeGreaterThanOrEqual(21_000);
      expect((await slow).ok).toBe(true);
      expect((await settle(api.place('y'))).ok).toBe(true);
    }));

  it('keeps to the failure that it has found, and says where it does not come again', async () => {
    const faults = { kinds: ['kill'] as const, count: [3, 3] as const, atMs: [0, 9_000] as const, forMs: [100, 200] as const };
    const message = await failureOf({ seeds: 20, faults }, async ({ node }) => {
      let starts = 0;
      node('a', () => void (starts += 1));
      await sleep(15_000);
      if (starts > 3) throw new Error('started again and again');
      if (starts > 1) throw new Error('started again');
    });
    expect(message).toMatch(/^started again/);
    const lines = message.split('\n').filter((line) => line.startsWith('  a  '));
    expect(lines).toHaveLength(message.startsWith('started again and again') ? 3 : 1);
    let runs = 0;
    const once = await failureOf({ seeds: 5 }, () => {
      runs += 1;
      if (runs === 2) throw new Error('once');
    });
    expect(once).toMatch(
      /^once\n\nseed 2 fails, and not so a second time: something in the scenario does not follow from its seed$/,
    );
  });

  it('tells of a node that faults name and nobody has started, and blames nothing else', async () => {
    const message = await failureOf({ seeds: 5, faults: { kinds: ['kill'], nodes: ['q'] } }, ({ node }) => void node('a'));
    expect(message).toBe(
      '[invalid-argument] faults.nodes names q, and there is no node of that name\n\nseed 1; see it again: SKEIN_SEED=1 npx vitest run test/testing/explore.test.ts',
    );
  });

  it('knows a failure by what is broken, whatever the time and the value, so that rounder faults count', async () => {
    const faults = { kinds: ['kill'], count: [3, 3], forMs: [100, 10_000] } as const;
    const message = await failureOf({ seeds: 20, faults }, ({ node, always }) => {
      const start$ = new Subject<readonly number[]>();
      const starts: number[] = [];
      always(start$, ({ length }) => length < 2);
      node('a', () => {
        starts.push(Math.random());
        start$.next([...starts]);
      });
    });
    expect(message).toMatch(/^always at .* was broken by /);
    expect(message).toMatch(/with these faults:\n\n {2}a {2}k 100ms s\n/);
  });

  it('refuses to go on where no node is there as the faults are planned', async () => {
    const message = await failureOf({ seeds: 2 }, async ({ node }) => {
      await sleep(1);
      node('a');
    });
    expect(message).toMatch(
      /^\[invalid-argument\] explore plans its faults at the first frame: make a node or a service before anything is awaited/,
    );
  });

  it('has nothing against nodes that come late where no faults are asked for', () =>
    explore({ seeds: 2, faults: { count: [0, 0] } }, async ({ node }) => {
      await sleep(1);
      node('a', serve);
    }));

  it('takes failures for the same by their words, but for numbers and times, and never at two places', () => {
    expect(blurred('got 500kb within 5s')).toBe(blurred('got 7kb within 250ms'));
    expect(blurred('expectObservable at x.ts:12:5 sees')).not.toBe(blurred('expectObservable at x.ts:99:7 sees'));
    expect(blurred('of a1')).not.toBe(blurred('of a2'));
  });

  it('leaves a link that was slow as fast as it was at first', () =>
    explore(
      { seeds: 3, latencyMs: 20, faults: { kinds: ['delay'], count: [2, 2], atMs: [0, 1_000], forMs: [100, 500] } },
      async ({ node, clock, afterFaults }) => {
        node('a', serve);
        const api = node('api').client(Orders);
        await afterFaults(3_000);
        await api.place('warm');
        const fromMs = clock.now();
        await api.place('x');
        expect(clock.now() - fromMs).toBe(40);
      },
    ));

  it('refuses ranges that are none', async () => {
    for (const options of [
      { seeds: 0 },
      { seeds: 1, faults: { kinds: ['fire'] } },
      { seeds: 1, faults: { count: [3, 1] } },
      { seeds: 1, faults: { atMs: 5 } },
      { seeds: 1, faults: { nodes: ['nobody'] } },
    ] as unknown as ExploreOptions[]) {
      await expect(explore(options, () => undefined)).rejects.toMatchObject({ code: 'invalid-argument' });
    }
  });
});

describe('shrinking', () => {
  const fault = (atMs: number, kind: Fault['kind'] = 'kill'): Fault => ({ where: 'a', kind, atMs, forMs: 1_234, degree: 0.5 });

  it('keeps only what a failure needs, as round as it may be', async () => {
    const faults = [fault(1), fault(20_345, 'cut'), fault(3), fault(4_321, 'pause'), fault(5), fault(6)];
    let runs = 0;
    const fewest = await shrink(faults, (left) => {
      runs += 1;
      const has = (kind: Fault['kind']) => left.some((one) => one.kind === kind && one.atMs > 0);
      return Promise.resolve(has('cut') && has('pause'));
    });
    expect(drawFaults(fewest)).toBe('  a  100ms x 100ms o\n  a  100ms p 100ms r');
    expect(runs).toBeLessThan(60);
  });

  it('has no fault begin later, last longer, or leave its range, and leaves out what a simpler one makes needless', async () => {
    const fewest = await shrink(
      [fault(2_500, 'cut'), fault(2_600, 'pause')],
      (left) => {
        const [cut, pause] = (['cut', 'pause'] as const).map((kind) => left.find((one) => one.kind === kind));
        return Promise.resolve(cut !== undefined && (pause !== undefined || cut.atMs <= 2_200));
      },
      { atMsMin: 2_100, forMsMin: 1_200 },
    );
    expect(fewest).toEqual([{ ...fault(2_100, 'cut'), forMs: 1_200 }]);
  });

  it('gives up after so many tries', async () => {
    let runs = 0;
    const count = await shrink(
      Array.from({ length: 50 }, (_, i) => fault(i)),
      () => {
        runs += 1;
        return Promise.resolve(false);
      },
      { triesMax: 10 },
    );
    expect(count).toHaveLength(50);
    expect(runs).toBe(10);
  });
});
