import { setInterval as every, setTimeout as sleep } from 'node:timers/promises';
import { defer, ignoreElements, interval, map, mergeMap, NEVER, of, retry, share, shareReplay, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, contract, type Node, settle } from '../../lib/index.js';
import { type Scenario, simulate, type SimNode, type SimulateOptions, type World } from '../../lib/testing.js';

const Orders = contract('orders', '1.0', {
  place: call<string, string>({ idempotent: true }),
  slow: call<string, string>(),
  note: cast<string>(),
});

/** Answers with its node's name, `slow` after a second. */
const serve = (node: Node) =>
  node.serve(Orders, {
    place: (order) => `${order}@${node.name}`,
    slow: (order) => sleep(1_000, `${order}@${node.name}`),
    note: () => undefined,
  });

const ignore = (): void => undefined;

/** Where the directory can be put out of reach. */
interface Lanes {
  readonly a: SimNode;
  readonly api: SimNode;
  readonly directory: (faults: string) => void;
}

const never = (): Promise<string> => NEVER.forEach(ignore) as Promise<never>;

/** Never answers. */
const stuck = { place: never, slow: never, note: ignore };

const failureOf = async (scenario: Scenario, options: SimulateOptions = { seed: 1 }): Promise<Error> => {
  const failure: unknown = await simulate(options, scenario).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(Error);
  return failure as Error;
};

describe('simulate', () => {
  it('runs real nodes in virtual time', () =>
    simulate({ seed: 7 }, ({ node, hot, expectObservable }) => {
      const api = node('api').client(Orders);
      node('a', serve);
      expectObservable(hot('x 5s y').pipe(mergeMap((order) => api.slow(order)))).toBe('1s x@a 5s y@a');
    }));

  it('lets a scenario await, too', () =>
    simulate({ seed: 7 }, async ({ node, clock, figures }) => {
      const api = node('api').client(Orders);
      node('a', serve);
      const startedAt = clock.now();
      expect(await api.slow('x')).toBe('x@a');
      expect(clock.now() - startedAt).toBe(1_000);
      expect(figures().events).toBeGreaterThan(10);
      expect(await api.note('x')).toMatchObject({ state: 'accepted', server: 'a' });
      expect(await api.$fanout.note('x')).toMatchObject([{ server: 'a', ok: true }]);
      expect(await api.$on('a').$ping()).toEqual({ server: 'a' });
      expect(api.$canSend('slow')).toBe(true);
      expect(await settle(api.$on('b').place('x', { timeoutMs: 10 }))).toMatchObject({ ok: false });
    }));

  it('fails over when a server is killed, and takes it back when it starts again', () =>
    simulate({ seed: 7 }, ({ node, hot, expectObservable }) => {
      const api = node('api').client(Orders);
      node('a', serve).faults('5s k 20s s');
      node('b', serve).faults('30s k');
      const placed$ = hot('1s u 10s v 22s w').pipe(mergeMap((order) => api.place(order)));
      expectObservable(placed$.pipe(map((reply) => reply.slice(0, 1)))).toBe('1s u 10s v 22s w');
      expectObservable(hot('10s v 23s w').pipe(mergeMap((order) => api.place(order)))).toBe('10s v@b 23s w@a');
    }));

  it('cuts links, in one or both directions, delays them and loses messages on them', () =>
    simulate({ seed: 7 }, ({ node, link, hot, expectObservable }) => {
      const api = node('api').client(Orders, { timeoutMs: 2_000 });
      node('a', serve);
      link('api<>a', '1s d50ms 1s d0ms 8s x 5s o 15s n1');
      const place = (order: string) => api.place(order);
      expectObservable(hot('x').pipe(mergeMap(place))).toBe('x@a');
      expectObservable(hot('1500ms x').pipe(mergeMap(place))).toBe('1600ms x@a');
      expectObservable(hot('10500ms x').pipe(mergeMap(place))).toBe('12500ms within 10ms #deadline-exceeded');
      expectObservable(hot('20s x').pipe(mergeMap(place))).toBe('20s x@a');
    }));

  it('has directions of their own', () =>
    simulate({ seed: 7 }, ({ node, link, hot, expectObservable }) => {
      const seen: string[] = [];
      const api = node('api').client(Orders, { timeoutMs: 1_000 });
      node('a', (self) =>
        self.serve(Orders, { place: (order) => void seen.push(order) as never, slow: String, note: () => undefined }),
      );
      link('a>api', '5s x');
      expectObservable(hot('1s x').pipe(mergeMap((order) => api.place(order)))).toBe('1s null');
      expectObservable(hot('6s y').pipe(mergeMap((order) => api.place(order)))).toBe('7s within 10ms #deadline-exceeded');
      expectObservable(hot('8s z').pipe(map(() => seen.join()))).toBe('8s x,y', { 'x,y': 'x,y' });
    }));

  it('pauses processes, whose timers and messages wait', () =>
    simulate({ seed: 7 }, ({ node, hot, expectObservable }) => {
      const api = node('api').client(Orders, { timeoutMs: 60_000 });
      node('a', serve, { heartbeatMs: 100_000 }).faults('500ms p 10s r');
      expectObservable(hot('x').pipe(mergeMap((order) => api.slow(order)))).toBe('10500ms x@a');
      expectObservable(hot('1s y').pipe(mergeMap((order) => api.place(order)))).toBe('10500ms y@a');
    }));

  it('gives each process a clock of its own, which may be wrong, drift and jump', () =>
    simulate({ seed: 7 }, ({ node, hot, expectObservable }) => {
      const Time = contract('time', '1.0', { now: call<undefined, number>(), sleep: call<number>() });
      const tell = (self: Node) =>
        self.serve(Time, {
          now: () => Date.now() - Date.UTC(2020),
          sleep: (ms) => new Promise<void>((done) => setTimeout(done, ms)),
        });
      const api = node('api').client(Time);
      node('a', tell, { skewMs: 1_000 }).faults('5s j10s');
      node('b', tell, { drift: 0.5 });
      const [a, b] = [api.$on('a'), api.$on('b')];
      expectObservable(hot('1s x 9s y').pipe(mergeMap(() => a.now()))).toBe('1s 2000 9s 21000');
      expectObservable(hot('2s x').pipe(mergeMap(() => b.now()))).toBe('2s 3000');
      expectObservable(hot('x').pipe(mergeMap(() => b.sleep(3_000)))).toBe('2s null');
    }));

  it('drains who quits, and ends the directory for some or all', () =>
    simulate({ seed: 7 }, ({ node, directory, hot, expectObservable }) => {
      const api = node('api', undefined, { noServerMs: 0 });
      node('a', serve).faults('1s q');
      node('late', async (self) => {
        await sleep(0);
        self.spawn(() => NEVER);
      });
      directory('20s x 5s o');
      const place = (order: string) => api.client(Orders).place(order);
      expectObservable(hot('x').pipe(mergeMap(place))).toBe('x@a');
      expectObservable(hot('2s y').pipe(mergeMap(place))).toBe('2s within 1s #no-server');
    }));

  it('has a stale directory tell of no change, until it thaws', () =>
    simulate({ seed: 7 }, ({ node, hot, expectObservable }) => {
      const api = node('api', undefined, { noServerMs: 30_000 }).directory('1s f 19s t');
      const a = node('a', serve).faults('k 10s s');
      const placed$ = hot('11s x').pipe(mergeMap((order) => api.client(Orders, { timeoutMs: 60_000 }).place(order)));
      expectObservable(placed$).toBe('20s within 2s x@a');
      expect(a.name).toBe('a');
    }));

  it('partitions the network, and heals it, by program', () =>
    simulate({ seed: 7 }, async ({ node, network }) => {
      const [api, apart] = [node('api').client(Orders, { timeoutMs: 500 }), node('apart').client(Orders, { timeoutMs: 500 })];
      node('a', serve);
      expect(await Promise.all([api.place('x'), apart.place('y')])).toEqual(['x@a', 'y@a']);
      network.partition(['api', 'a'], ['apart']);
      expect(await api.place('x')).toBe('x@a');
      expect(await settle(apart.place('y'))).toMatchObject({ ok: false, error: { code: 'deadline-exceeded' } });
      network.heal();
      await sleep(20_000);
      expect(await apart.place('y')).toBe('y@a');
    }));

  it.each([
    ['its drain outlives the scenario', '100ms q 100ms s', 1, false],
    ['it is killed as it drains', '100ms q 100ms s 100ms k', 1, false],
    ['it has left', '100ms q 30s s', 2, true],
    ['it is to come back at once', '100ms q 100ms s 20s p 1s r', 2, true],
  ])('starts a node that has left as often as it is told to: %s', (_, faults, times, isUp) =>
    simulate({ seed: 7 }, async ({ node }) => {
      let starts = 0;
      const program = async (self: Node) => {
        starts += 1;
        const served = await serve(self);
        return [served, interval(1_000).subscribe()];
      };
      const api = node('api').client(Orders);
      node('a', program).faults(faults);
      void settle(api.slow('x')).then(() => undefined);
      await sleep(isUp ? 35_000 : 800);
      expect(starts).toBe(times);
      if (isUp) expect(await api.place('y')).toBe('y@a');
    }),
  );

  it('starts a host once behind each kill, however soon', () =>
    simulate({ seed: 7 }, async ({ node }) => {
      const api = node('api').client(Orders);
      const a = node('a', serve);
      await api.place('x');
      a.kill();
      void a.start();
      a.kill();
      await a.start();
      await sleep(15_000);
      expect(await api.place('y')).toBe('y@a');
    }));

  it('keeps the directory out of reach for nodes that start meanwhile', () =>
    simulate({ seed: 7 }, async ({ node, directory }) => {
      directory('1s x 20s o');
      const api = node('api').client(Orders, { timeoutMs: 2_000 });
      node('a', serve).faults('2s k 1s s');
      await sleep(15_000);
      const late = node('late').client(Orders, { timeoutMs: 2_000 });
      expect(await settle(late.place('x'))).toMatchObject({ ok: false });
      await sleep(40_000);
      expect([await api.place('y'), await late.place('z')]).toEqual(['y@a', 'z@a']);
    }));

  it('has what a node does again and again go on after a pause', () =>
    simulate({ seed: 7 }, ({ node, never, expectObservable }) => {
      const caller = node('api');
      node('a', serve).faults('10s p 1500ms r');
      const placed$ = interval(5_000).pipe(
        take(8),
        mergeMap(() => caller.client(Orders).place('x')),
      );
      // Heartbeats, before all: who says nothing for three seconds is suspect.
      never(caller.peers$, ([peer]) => peer?.state === 'suspect' || peer?.state === 'lost');
      expectObservable(placed$.pipe(ignoreElements())).toBe('within 41s |');
    }));

  it('kills, starts, pauses and resumes nodes by program', () =>
    simulate({ seed: 7 }, async ({ node }) => {
      const api = node('api').client(Orders, { timeoutMs: 20_000, retries: 2 });
      const a = node('a', serve);
      const slow = settle(api.slow('x')).then((outcome) => outcome);
      await sleep(500);
      a.kill();
      expect(await slow).toMatchObject({ ok: false, error: { code: 'link-lost' } });
      expect(await settle(a.client(Orders).place('x'))).toMatchObject({
        ok: false,
        error: { code: 'closed', message: '[closed] the node a was killed' },
      });
      await a.start();
      await sleep(10_000);
      expect(await api.place('x')).toBe('x@a');
      const id = a.id;
      a.pause();
      const paused = api.place('y');
      await sleep(100);
      a.resume();
      expect(await paused).toBe('y@a');
      expect(a.id).toBe(id);
    }));

  it('is the same in every run of one seed', async () => {
    const run = async (seed: number): Promise<string> => {
      const lines: string[] = [];
      const log = (message: string) => void lines.push(message);
      await simulate({ seed, latencyMs: [1, 20] }, ({ node, hot, clock, expectObservable }) => {
        const options = { logger: { debug: log, info: log, warn: log, error: log } };
        const api = node('api', undefined, options).client(Orders, { retries: 5, timeoutMs: 30_000 });
        for (const name of ['a', 'b', 'c']) node(name, serve, options).faults('5s k 5s s');
        const sent$ = hot('abc 5s def 1s ghi 10s jkl').pipe(
          mergeMap((order) => settle(api.place(order))),
          map((outcome) => lines.push(`${String(clock.now())} ${JSON.stringify(outcome)}`)),
        );
        expectObservable(sent$.pipe(ignoreElements())).toBe('60s -');
      });
      return lines.join('\n');
    };
    const first = await run(3);
    expect(await run(3)).toBe(first);
    expect(await run(3)).toBe(first);
    expect(await run(4)).not.toBe(first);
    expect(first.split('\n').length).toBeGreaterThan(12);
  });

  it('starts nodes that come later, and knows all that links name', async () => {
    await simulate({ seed: 1 }, async ({ node }) => {
      const api = node('api', undefined, { noServerMs: 10_000 }).client(Orders);
      await sleep(1_000);
      node('late', serve);
      expect(await api.place('x')).toBe('x@late');
    });
    const error = await failureOf(async ({ node, link }) => {
      node('a');
      await sleep(100);
      link('a<>b', 'x');
    });
    expect(error.message).toContain('there is no node b');
  });

  it('says how to see a failure again', async () => {
    const error = await failureOf(({ node, hot, expectObservable }) => {
      node('a', serve);
      expectObservable(hot('a')).toBe('b');
    });
    expect(error.message).toMatch(/seed 1; see it again: SKEIN_SEED=1 npx vitest run test\/testing\/simulate\.test\.ts$/);
  });

  it('fails by what a program throws, at its start or later', async () => {
    const atStart = await failureOf(({ node }) => {
      node('a', () => {
        throw new RangeError('no program');
      });
    });
    expect(atStart.message).toMatch(/^no program\n/);
    const again = await failureOf(({ node, hot, expectObservable }) => {
      let starts = 0;
      node('a', () => {
        starts += 1;
        if (starts === 2) throw new RangeError('not twice');
      }).faults('1s k 1s s');
      expectObservable(hot('3s a')).toBe('3s a');
    });
    expect(again.message).toMatch(/^not twice\n/);
  });

  it('names what a program leaves open, and ends what it gives back', async () => {
    const left = await failureOf(({ node }) => {
      node('a', () => {
        setInterval(() => undefined, 100);
      });
    });
    expect(left.message).toContain('a timer is left running: setInterval of 100 ms, at test/testing/simulate.test.ts:');
    await simulate({ seed: 1 }, ({ node }) => {
      node('a', (self) => [
        self.serve(Orders, { place: String, slow: String, note: () => undefined }),
        interval(100).subscribe(),
      ]);
    });
  });

  it.each<[string, Scenario, RegExp]>([
    [
      'a request of the scenario',
      ({ node }) => {
        node('a', (self) => self.serve(Orders, stuck));
        node('api').client(Orders).place('x').subscribe({ error: ignore });
      },
      /^a request is left pending: orders\.place of api, made at test\/testing\/simulate\.test\.ts:\d+/,
    ],
    [
      'one that is awaited, and tried again for ever',
      ({ node }) => {
        node('api').client(Orders).place('x').pipe(retry()).subscribe();
      },
      /^a request is left pending: orders\.place of api, made at test\/testing\/simulate\.test\.ts:\d+/,
    ],
    [
      'a request of a program',
      ({ node }) => {
        node('a', (self) => self.serve(Orders, stuck));
        node('api', (self) => void self.client(Orders).place('x').then(undefined, ignore));
      },
      /^a request is left pending: api was waiting for orders\.place of a/,
    ],
    [
      'a subscription of a program',
      ({ node }) => {
        node('a', () => void NEVER.subscribe());
      },
      /^a subscription is left open, made at test\/testing\/simulate\.test\.ts:\d+/,
    ],
    [
      'a subscription of a handler',
      async ({ serve }) => {
        const bus$ = new Subject();
        await serve(Orders, { place: (order) => (bus$.subscribe(), order), slow: String, note: ignore }).place('x');
      },
      /^a subscription is left open, made at test\/testing\/simulate\.test\.ts:\d+/,
    ],
    [
      'what a subscription has left behind',
      ({ cold, expectObservable }) => {
        expectObservable(cold('a 1m b').pipe(shareReplay({ bufferSize: 1, refCount: false }), take(1))).toBe('(a|)');
      },
      /^a subscription is left open, made at test\/testing\/simulate\.test\.ts:\d+/,
    ],
    [
      'a program that never ends',
      ({ node }) => node('a', () => NEVER.forEach(ignore)),
      /^the programs of a are not over after 600s of virtual time/,
    ],
    [
      'an end that never ends',
      ({ node }) => node('a', () => () => NEVER.forEach(ignore)),
      /^the programs of a are not over after 600s of virtual time/,
    ],
  ])('names %s', async (_what, scenario, message) => {
    expect((await failureOf(scenario)).message).toMatch(message);
  });

  it('has nothing left of what was killed', () =>
    simulate({ seed: 1 }, ({ node }) => {
      node('a', () => {
        const left = NEVER.subscribe();
        return left;
      }).faults('1s k 1s s');
    }));

  it('blames nobody for what a killed process has shared', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const shared$ = NEVER.pipe(share());
      const own = shared$.subscribe();
      const a = node('a', () => shared$.subscribe());
      await sleep(500);
      a.kill();
      own.unsubscribe();
    }));

  it('tells a killed process nothing more, and a paused one only when it is resumed', () =>
    simulate({ seed: 1 }, async ({ node, hot }) => {
      const tick$ = hot('1s a 4s b 5s c');
      const seen: string[] = [];
      let runs = 0;
      node('a', () => {
        const run = String((runs += 1));
        return tick$.subscribe((tick) => seen.push(`${run} ${tick}`));
      }).faults('2s k 1s s');
      node('b', () => tick$.subscribe((tick) => seen.push(`b ${tick} at ${String(Math.round(performance.now()))}`))).faults(
        '4s p 5s r',
      );
      await sleep(12_000);
      expect(seen).toEqual(['1 a', 'b a at 1000', '2 b', 'b b at 9000', 'b c at 10000', '2 c']);
    }));

  it('runs no cleanup of a run that was killed', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const ended: number[] = [];
      let runs = 0;
      node('a', async () => {
        const run = (runs += 1);
        if (run > 1) await sleep(1_000);
        return () => ended.push(run);
      }).faults('1s k 1s s 100ms q');
      await sleep(5_000);
      expect(ended).toEqual([2]);
    }));

  it('starts a node anew that was drained or closed by program', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const a = node('a', serve);
      const api = node('api').client(Orders);
      for (const leave of [() => a.drain(), () => a.close()]) {
        await leave();
        await a.start();
        expect(await api.place('x')).toBe('x@a');
      }
    }));

  it('shows errors whose message cannot be changed', async () => {
    const error = await failureOf(() => Promise.reject(new DOMException('The operation was aborted', 'AbortError')));
    expect(error.message).toMatch(/^AbortError: The operation was aborted\n\nseed 1; see it again/);
    expect(error.cause).toBeInstanceOf(DOMException);
  });

  it('fails by what nobody catches', async () => {
    const error = await failureOf(async () => {
      queueMicrotask(() => {
        throw new Error('thrown away');
      });
      await sleep(10);
    });
    expect(error.message).toMatch(/^thrown away\n/);
  });

  it('fails by what nobody catches as nodes are closed', async () => {
    const error = await failureOf(({ node }) => {
      node('a', (self) => {
        self.tree$.subscribe({ complete: () => void Promise.reject(new Error('lost')) });
      });
    });
    expect(error.message).toMatch(/^lost\n/);
  });

  it('waits for a start that is under way, whoever asks', () =>
    simulate({ seed: 1 }, async ({ node, expectObservable }) => {
      let isDone = false;
      const a = node('a', async () => {
        await sleep(2_000);
        isDone = true;
      });
      expectObservable(defer(() => of(isDone))).toBe('(a|)', { a: true });
      await a.start();
      expect(isDone).toBe(true);
    }));

  it('counts a drain for as long as it takes', () =>
    simulate({ seed: 1 }, async ({ node, afterFaults, clock }) => {
      const startMs = clock.now();
      node('a', (self) => self.serve(Orders, { place: (order) => sleep(4_000, order), slow: String, note: ignore })).faults(
        '1s q',
      );
      const placed = settle(node('api').client(Orders).place('x'));
      void placed.then(ignore);
      await afterFaults(0);
      expect(clock.now() - startMs).toBeGreaterThanOrEqual(4_000);
      expect((await placed).ok).toBe(true);
    }));

  it('has what users see of chance follow from the seed', async () => {
    const drawn = async (seed: number): Promise<readonly number[]> => {
      const numbers: number[] = [];
      await simulate({ seed }, ({ node }) => {
        numbers.push(Math.random());
        node('a', () => numbers.push(Math.random()));
      });
      return numbers;
    };
    const first = await drawn(1);
    expect(new Set([...first, ...(await drawn(2))]).size).toBe(4);
    expect(await drawn(1)).toEqual(first);
  });

  it('has performance.now() go on as time does, whatever the clock says', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const seen: number[] = [];
      const program = async (): Promise<void> => {
        const fromMs = Date.now();
        await sleep(1_000);
        seen.push(performance.now(), Date.now() - fromMs);
      };
      node('a', () => void program(), { skewMs: -100_000 }).faults('500ms j<5s');
      await sleep(2_000);
      expect(seen).toEqual([1_000, -4_000]);
    }));

  it.each<[string, Scenario, RegExp]>([
    ['a drift by which no time passes', ({ node }) => node('a', undefined, { drift: -1 }), /drift of a must be more than -1/],
    ['a skew that is none', ({ node }) => node('a', undefined, { skewMs: NaN }), /skewMs of a must be a number/],
    [
      'a node on both sides of a partition',
      ({ node, network }) => {
        node('a');
        network.partition(['a'], ['a']);
      },
      /a cannot be on both sides of a partition/,
    ],
    ['two nodes of one name', ({ node }) => node('a') && node('a'), /there is a node a already/],
    [
      'a link to nowhere',
      ({ node, link }) => {
        node('a');
        link('a>b', 'x');
      },
      /there is no node b/,
    ],
    ['a path that is none', ({ link }) => link('a-b', 'x'), /"a-b" is no path: write "a>b"/],
    ['a fault that is none', ({ node }) => node('a').faults('5s z'), /"z" is no fault of a node: there are k \(kill\), /],
    [
      'a loss above all',
      ({ link }) => {
        link('a>b', 'l101%');
      },
      /"l101%" is no fault of a link/,
    ],
    ['a partition of nobody', ({ network }) => network.partition(['x']), /there is no node x/],
    ['the seed', () => undefined, /seed must be a whole number/],
  ])('refuses %s', async (what, scenario, message) => {
    const error = await failureOf(scenario, { seed: what === 'the seed' ? 0.5 : 1 });
    expect(error).toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) as string });
  });

  it('is none the worse for a drain that is refused, nor for a cleanup that fails', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      let starts = 0;
      const begin = () => {
        starts += 1;
        return () => {
          if (starts === 1) throw new Error('not well');
        };
      };
      const a = node('a', begin);
      await expect(a.drain({ timeoutMs: -1 })).rejects.toThrow('timeoutMs');
      await expect(a.drain()).rejects.toThrow('not well');
      await a.start();
      expect(starts).toBe(2);
      await a.drain();
      await a.start();
      expect(starts).toBe(3);
    }));

  it('fails by what a program throws while its node leaves, but for what the leaving itself makes of it', async () => {
    const late =
      (fail: (own: Node) => unknown): Scenario =>
      async ({ node }) => {
        await sleep(1);
        node('b', async (own) => {
          await sleep(2_000);
          await fail(own);
        }).faults('1s q');
      };
    const wrong = late(() => {
      throw new Error('wrong');
    });
    expect((await failureOf(wrong)).message).toContain('wrong');
    await simulate(
      { seed: 1 },
      late((own) => own.client(Orders).place('x')),
    );
  });

  it('fails by a wrong expectation in a handler, whoever hears of it', async () => {
    const note = async (): Promise<void> => {
      await sleep(1);
      expect(1).toBe(2);
    };
    const cast: Scenario = async ({ node }) => {
      node('a', (own) => own.serve(Orders, { ...stuck, note }));
      await node('api').client(Orders).note('x');
    };
    expect((await failureOf(cast)).message).toContain('expected 1 to be 2');
    const lines: string[] = [];
    const logger = { debug: ignore, info: ignore, warn: ignore, error: (line: string) => lines.push(line) };
    const settled: Scenario = async ({ node }) => {
      node('a', (own) => own.serve(Orders, { ...stuck, place: note as never }), { logger });
      await settle(node('api').client(Orders).place('x'));
    };
    expect((await failureOf(settled)).message).toContain('expected 1 to be 2');
    expect(lines).toEqual(['the handler of place failed']);
  });

  it('kills and pauses nodes before the first frame, too', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const api = node('api').client(Orders);
      const a = node('a', serve);
      a.pause();
      expect(await settle(api.place('x', { timeoutMs: 100 }))).toMatchObject({ ok: false });
      a.resume();
      expect(await api.place('x')).toBe('x@a');
      const b = node('b', serve);
      b.kill();
      expect(await settle(api.$on('b').place('x', { timeoutMs: 100 }))).toMatchObject({ ok: false });
      await b.start();
      expect(await api.$on('b').place('x')).toBe('x@b');
    }));

  it('keeps the clock of a host wrong, whichever of its processes looks', () =>
    simulate({ seed: 1 }, async ({ node, clock }) => {
      const wrong: number[] = [];
      const look = (): void => {
        wrong.push(Math.round(Date.now() - clock.now()));
      };
      const a = node('a', look, { skewMs: 5, drift: 0.1 });
      a.faults('1s j1h 1s k 1s j1s 1s s');
      await sleep(10_000);
      // A tenth of the four seconds, and what it was set to.
      expect(wrong).toEqual([5, 5 + 400 + 3_600_000 + 1_000]);
    }));

  it('refuses what means nothing', async () => {
    const refused = async (scenario: Scenario, options: SimulateOptions = { seed: 1 }) =>
      expect((await failureOf(scenario, options)).message).toContain('[invalid-argument]');
    await refused(({ node }) => node('x y'));
    await refused(({ node }) => node('a>b'));
    await refused(({ afterFaults }) => afterFaults(NaN));
    await expect(simulate({ seed: 1, latencyMs: [5, 1] }, ignore)).rejects.toThrow('the shorter one first');
    await expect(simulate({ seed: 1, limitMs: '5' as never }, ignore)).rejects.toThrow('limitMs');
  });

  it('has timers as Node has them', () =>
    simulate({ seed: 1 }, async () => {
      const startedAt = Date.now();
      const at: number[] = [];
      for await (const value of every(1_000, 'tick')) {
        expect(value).toBe('tick');
        at.push(Date.now() - startedAt);
        if (at.length === 4) break;
        await sleep(at.length === 1 ? 2_500 : 300);
      }
      expect(at).toEqual([1_000, 3_500, 3_800, 4_100]);
      const aborted = sleep(1, undefined, { signal: AbortSignal.abort('enough') });
      await expect(aborted).rejects.toMatchObject({ code: 'ABORT_ERR', name: 'AbortError', cause: 'enough' });
    }));

  it.each([
    ['at both', 'a', (of: Lanes) => of.directory('5s x 10s o')],
    ['at both, made the other way round', 'api', (of: Lanes) => of.directory('5s x 10s o')],
    ['at the server', 'a', (of: Lanes) => of.a.directory('5s x 10s o')],
    ['at the client', 'a', (of: Lanes) => of.api.directory('5s x 10s o')],
  ])('has what the directory said last serve while it is out of reach: %s', (_, first, fail) =>
    simulate({ seed: 1 }, async ({ node, directory }) => {
      const made = first === 'a' ? { a: node('a', serve), api: node('api') } : { api: node('api'), a: node('a', serve) };
      fail({ ...made, directory });
      const api = made.api.client(Orders, { timeoutMs: 3_000 });
      await sleep(1_000);
      expect(await api.place('p')).toBe('p@a');
      await sleep(5_000);
      expect(await api.place('q')).toBe('q@a');
      await sleep(30_000);
      expect(await api.place('r')).toBe('r@a');
    }),
  );

  it('starts a node that leaves once it has left, told by program or by a diagram', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const a = node('a', serve);
      await sleep(1);
      const drained = a.drain();
      await a.start();
      await drained;
      expect(await node('api').client(Orders).place('x')).toBe('x@a');
    }));

  it('starts a node that is killed in the midst of its cleanup', () =>
    simulate({ seed: 1 }, async ({ node, afterFaults }) => {
      let starts = 0;
      const slow = () => {
        starts += 1;
        return () => sleep(1_000);
      };
      node('a', slow).faults('1s q 500ms k 1s s');
      await afterFaults(1_000);
      expect(starts).toBe(2);
    }));

  it.each(['1s p 1s q', '1s (pq)', '1s q 10ms p'])('ends with a node that leaves and stands still: %s', (faults) =>
    simulate({ seed: 1 }, async ({ node }) => {
      node('a', async (own) => {
        await serve(own);
        return () => sleep(1_000);
      }).faults(faults);
      const called = settle(node('api').client(Orders).slow('x'));
      await sleep(5_000);
      await called;
    }),
  );

  it('has each of those that drain a node at once wait until it has left', () =>
    simulate({ seed: 1 }, async ({ node, clock }) => {
      const a = node('a', () => () => sleep(15_000));
      a.faults('1s q 500ms q');
      const startedAt = clock.now();
      await sleep(2_000);
      await a.drain();
      expect(clock.now() - startedAt).toBe(16_000);
      await expect(a.drain()).rejects.toMatchObject({ code: 'closed' });
    }));

  it.each(['1s x 1s o', '1s k'])('rests for as long as a lease of any length: %s', (faults) =>
    simulate({ seed: 1 }, ({ node }) => {
      const a = node('a', serve, { leaseMs: 60_000 });
      if (faults.includes('k')) a.faults(faults);
      else a.directory(faults);
    }),
  );

  it('lists nothing anew in a directory that is out of reach', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const api = node('api');
      const a = node('a', serve);
      a.faults('5s p 10020ms r');
      a.directory('14900ms x 40s o');
      let listed = 0;
      await sleep(100);
      const seen = api.servers$.subscribe((servers) => (listed = servers.length));
      const counts = [];
      for (let i = 0; i < 55; i += 1) {
        await sleep(1_000);
        counts.push(listed);
      }
      // From the end of its lease, ten seconds after it was last renewed, until the directory is back.
      expect(counts.slice(16)).toEqual(counts.slice(16).map(() => 0));
      await sleep(30_000);
      expect(listed).toBe(1);
      seen.unsubscribe();
    }));

  it('judges what is to be so after the last fault when that is over, however long it takes', async () => {
    const late: (judge: (world: World) => void) => Scenario = (judge) => (world) => {
      world
        .node('a', async (own) => {
          await sleep(12_000);
          await serve(own);
        })
        .faults('1s k 1s s');
      judge(world);
    };
    await simulate(
      { seed: 1 },
      late(({ eventually }) => {
        eventually(interval(18_000).pipe(take(1)), (n) => n === 0, 5_000);
      }),
    );
    const wrong = late(({ eventually }) => {
      eventually(interval(1_000).pipe(take(18)), (n) => n < 17, 5_000);
    });
    expect((await failureOf(wrong)).message).toContain('after the last fault');
  });

  it('names the programs that do not end, also of nodes that leave', async () => {
    const never$: Scenario = ({ node }) => {
      node('a', () => () => never()).faults('1s q');
    };
    expect((await failureOf(never$)).message).toContain('the programs of a ');
  });
});
