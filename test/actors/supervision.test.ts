import type { Observable } from 'rxjs';
import { NEVER, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type ActorRef, type Behavior, consume, type Self, stateful, type Strategy, type Stream } from '../../lib/index.js';
import { plant } from './plant.js';

const statusOf = (actor: Pick<ActorRef<never>, 'status$'>) => {
  let last: { state: string; restarts: number; lastError: unknown } | undefined;
  actor.status$.subscribe((status) => (last = status)).unsubscribe();
  return last!;
};

/** Adds up, and cannot stand a negative number. */
const adding = (total: number, n: number): number => {
  if (n < 0) throw new RangeError(`${String(n)} is negative`);
  return total + n;
};

const states = (actor: ActorRef<never, number>): number[] => {
  const seen: number[] = [];
  actor.event$.subscribe((state) => seen.push(state));
  return seen;
};

describe('an actor that fails', () => {
  it('is restarted from the beginning, and goes on with what waits', async () => {
    const { spawn, settle, clock, count } = plant();
    const adder = spawn(stateful(() => 0, adding));
    const seen = states(adder);
    for (const n of [1, -1, 2, 3]) void adder.send(n);
    await settle();
    expect(seen).toEqual([0, 1]);
    expect(statusOf(adder)).toMatchObject({ state: 'waiting', restarts: 0, lastError: new RangeError('-1 is negative') });
    void adder.send(4);
    await clock.advance(50);
    expect(seen).toEqual([0, 1, 0, 2, 5, 9]);
    expect(statusOf(adder)).toMatchObject({ state: 'running', restarts: 1 });
    expect(count('actors.restarted')).toBe(1);
  });

  it('loses what it had at work, and nothing that waits', async () => {
    const { spawn, settle, clock } = plant();
    const taken: number[] = [];
    const worker = spawn((message$: Stream<number>) =>
      message$.pipe(
        consume((n) => {
          taken.push(n);
          return n === 2 ? throwError(() => new Error('two')) : NEVER;
        }, 2),
      ),
    );
    for (const n of [1, 2, 3, 4, 5]) void worker.send(n);
    await settle();
    expect(taken).toEqual([1, 2]);
    await clock.advance(50);
    expect(taken).toEqual([1, 2, 3, 4]);
  });

  it('goes on behind the message that failed, with its state, where it is resumed', async () => {
    const { spawn, settle, logger, count } = plant();
    const adder = spawn(
      stateful(() => 0, adding),
      { supervise: 'resume' },
    );
    const seen = states(adder);
    for (const n of [1, -1, 2, -2, 3]) void adder.send(n);
    await settle();
    expect(seen).toEqual([0, 1, 3, 6]);
    expect(statusOf(adder)).toMatchObject({ state: 'running', restarts: 0, lastError: new RangeError('-2 is negative') });
    expect(logger.at('warn')).toEqual(Array(2).fill('node/user/actor-1 failed and is resumed'));
    expect(count('actors.restarted')).toBe(0);
  });

  it('is resumed from a step that takes its time, too', async () => {
    const { spawn, settle } = plant();
    const adder = spawn(
      stateful<number, number>(
        () => 0,
        async (total, n) => {
          await Promise.resolve();
          return adding(total, n);
        },
      ),
      { supervise: 'resume' },
    );
    const seen = states(adder);
    for (const n of [1, -1, 2]) void adder.send(n);
    await settle();
    expect(seen).toEqual([0, 1, 3]);
  });

  it('is restarted where it cannot be resumed, having failed before any message', async () => {
    const { spawn, clock } = plant();
    let starts = 0;
    const adder = spawn(
      stateful(() => {
        starts += 1;
        if (starts === 1) throw new Error('not yet');
        return 0;
      }, adding),
      { supervise: 'resume' },
    );
    const seen = states(adder);
    void adder.send(1);
    await clock.advance(50);
    expect([starts, seen]).toEqual([2, [0, 1]]);
  });

  it('is judged by its error, once for each failure', async () => {
    const { spawn, settle, clock } = plant();
    const asked: string[] = [];
    const supervise = (error: unknown): Strategy | 'resume' => {
      const { message } = error as Error;
      asked.push(message);
      return message as 'resume';
    };
    const actor = spawn(
      stateful<string, string>(
        () => 'new',
        (_state, message) => {
          if (message !== 'ok') throw new Error(message);
          return message;
        },
      ),
      { supervise },
    );
    const seen: string[] = [];
    actor.event$.subscribe((state) => seen.push(state));
    for (const message of ['ok', 'resume', 'ok', 'restart', 'ok', 'stop']) void actor.send(message);
    await settle();
    expect([asked, seen]).toEqual([
      ['resume', 'restart'],
      ['new', 'ok', 'ok'],
    ]);
    await clock.advance(50);
    expect([asked, seen]).toEqual([
      ['resume', 'restart', 'stop'],
      ['new', 'ok', 'ok', 'new', 'ok'],
    ]);
    expect(statusOf(actor)).toMatchObject({ state: 'stopped', lastError: new Error('stop') });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken rule');
      },
    ],
    ['says what is no strategy', () => 'sometimes' as 'stop'],
  ])('escalates where its strategy %s', async (_how, supervise) => {
    const { spawn, settle, logger } = plant();
    const actor = spawn(() => throwError(() => new Error('no')), { supervise });
    await settle();
    expect(statusOf(actor)).toMatchObject({ state: 'stopped', lastError: new Error('no') });
    expect(logger.at('error')).toEqual([
      'node/user/actor-1 has a strategy that failed, and escalates',
      'node/user/actor-1 failed and stays stopped',
    ]);
  });

  it('waits as long as its strategy says, and no longer than its longest', async () => {
    const { spawn, clock } = plant();
    const startedAt: number[] = [];
    const supervise = { restart: { minMs: 10, maxMs: 40, max: 5 } };
    const actor = spawn(
      () => {
        startedAt.push(clock.now());
        return throwError(() => new Error('always'));
      },
      { supervise },
    );
    await clock.advance(10_000);
    expect(startedAt).toEqual([0, 5, 15, 35, 55, 75]);
    expect(statusOf(actor).state).toBe('stopped');
  });

  it('is restarted for ever where nothing bounds that, and never in a loop that lets nothing else run', async () => {
    const { spawn, clock } = plant();
    let starts = 0;
    const actor = spawn(
      () => {
        starts += 1;
        if (starts === 5_000) actor.stop();
        return throwError(() => new Error('always'));
      },
      { supervise: { restart: { max: Infinity, minMs: 0, maxMs: 0 } } },
    );
    let others = 0;
    const other = clock.schedule(function (this: { schedule(state?: unknown, delay?: number): unknown }) {
      others += 1;
      if (starts < 5_000) this.schedule(undefined, 0);
    }, 0);
    await clock.advance(0);
    expect(starts).toBe(5_000);
    expect(others).toBeGreaterThan(4_000);
    other.unsubscribe();
  });
});

describe('a failure that is escalated', () => {
  interface Family {
    readonly log: string[];
    readonly child: ActorRef<number>[];
    readonly fail: (error: unknown) => void;
  }

  /** A grandparent, parent and child; `fail` fails the child of the present run. */
  const family = (world: ReturnType<typeof plant>, strategies: readonly [Strategy, Strategy, Strategy]): Family => {
    const log: string[] = [];
    const child: ActorRef<number>[] = [];
    let fail$ = new Subject<never>();
    const named =
      (name: string, then: (self: Self<number>) => Observable<never>): Behavior<number> =>
      (_message$, self) => {
        log.push(`${name} starts`);
        self.signal.addEventListener('abort', () => log.push(`${name} ends`));
        return then(self);
      };
    const [top, middle, bottom] = strategies;
    world.spawn(
      named('grandparent', (self) => {
        self.spawn(
          named('parent', (own) => {
            child.push(
              own.spawn(
                named('child', () => (fail$ = new Subject())),
                { name: 'child', supervise: bottom },
              ),
            );
            own.spawn(
              named('sibling', () => NEVER),
              { name: 'sibling' },
            );
            return NEVER;
          }),
          { name: 'parent', supervise: middle },
        );
        return NEVER;
      }),
      { name: 'grandparent', supervise: top },
    );
    return { log, child, fail: (error) => fail$.error(error) };
  };
  const grown = async (...strategies: [Strategy, Strategy, Strategy]) => {
    const world = plant();
    const born = family(world, strategies);
    await world.settle();
    expect(born.log).toEqual(['grandparent starts', 'parent starts', 'child starts', 'sibling starts']);
    born.log.length = 0;
    return { ...world, ...born };
  };

  it('restarts the parent, with all its children', async () => {
    const { log, fail, settle, clock, child, logger } = await grown('stop', 'restart', 'escalate');
    fail(new Error('no'));
    await settle();
    expect(log).toEqual(['child ends', 'sibling ends', 'parent ends']);
    await clock.advance(50);
    expect(log.slice(3)).toEqual(['parent starts', 'child starts', 'sibling starts']);
    expect(child).toHaveLength(2);
    expect(logger.at('warn')).toEqual([
      'node/user/grandparent/parent/child failed and is stopped, and node/user/grandparent/parent is told',
      'node/user/grandparent/parent failed and is restarted in 50 ms',
    ]);
  });

  it('goes up through two levels, to whoever can deal with it', async () => {
    const { log, fail, clock, root } = await grown('restart', 'escalate', 'escalate');
    fail(new Error('no'));
    expect(log).toEqual(['child ends', 'sibling ends', 'parent ends', 'grandparent ends']);
    expect(root.status().children[0]?.children[0]).toMatchObject({ state: 'waiting', children: [], lastError: new Error('no') });
    await clock.advance(50);
    expect(log.slice(4)).toEqual(['grandparent starts', 'parent starts', 'child starts', 'sibling starts']);
  });

  it('ends at the top: that actor stays stopped, which is logged, and harms no other', async () => {
    const { log, fail, logger, root, spawn, settle } = await grown('escalate', 'escalate', 'escalate');
    const other = spawn(() => NEVER, { name: 'other' });
    await settle();
    fail(new Error('no'));
    expect(log).toEqual(['child ends', 'sibling ends', 'parent ends', 'grandparent ends']);
    expect(logger.at('error')).toEqual(['node/user/grandparent failed and stays stopped']);
    expect(statusOf(other).state).toBe('running');
    expect(root.status().children.map(({ state, children }) => [state, children.length])).toEqual([['running', 1]]);
  });

  it('stops the parent where its strategy says so, with the same error', async () => {
    const { fail, log, root } = await grown('restart', 'stop', 'escalate');
    fail(new Error('no'));
    expect(log).toEqual(['child ends', 'sibling ends', 'parent ends']);
    expect(root.status().children[0]?.children[0]).toMatchObject({ state: 'running', children: [] });
  });

  it('comes of too many restarts', async () => {
    const { log, fail, clock } = await grown('stop', 'restart', { restart: { max: 2 } });
    for (let i = 0; i < 3; i += 1) {
      fail(new Error(`no ${String(i)}`));
      await clock.advance(100);
    }
    expect(log).toEqual([
      ...['child ends', 'child starts', 'child ends', 'child starts'],
      ...['child ends', 'sibling ends', 'parent ends', 'parent starts', 'child starts', 'sibling starts'],
    ]);
  });

  it('is got over by a parent that is resumed: it goes on without the child', async () => {
    const { spawn, settle, root } = plant();
    const parent = spawn(
      stateful<'hire' | 'work', number>(
        () => 0,
        (jobs, message, self) => {
          if (message === 'hire') {
            self.spawn(() => throwError(() => new Error('unfit')), { name: 'hired', supervise: 'escalate' });
          }
          return jobs + 1;
        },
      ),
      { name: 'parent', supervise: 'resume' },
    );
    const seen: number[] = [];
    parent.event$.subscribe((state) => seen.push(state));
    for (const message of ['work', 'hire'] as const) void parent.send(message);
    await settle();
    void parent.send('work');
    await settle();
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(root.status().children[0]?.children[0]).toMatchObject({
      state: 'running',
      lastError: new Error('unfit'),
      children: [],
    });
  });
});

describe('death watch', () => {
  it('says once why an actor stopped, to whoever asks before or after', async () => {
    const { spawn, settle } = plant();
    const told: unknown[] = [];
    const watch = (when: string, actor: ActorRef<never>): void => {
      actor.stopped$.subscribe({
        next: (stopped) => told.push([when, stopped]),
        complete: () => told.push([when, 'complete']),
      });
    };
    const broken = new Error('broken');
    const failing = spawn(() => throwError(() => broken), { supervise: 'stop' });
    watch('before', failing);
    await settle();
    watch('after', failing);
    const stopped = spawn(() => NEVER);
    watch('before', stopped);
    stopped.stop();
    watch('after', stopped);
    expect(told).toEqual([
      ['before', { error: broken }],
      ['before', 'complete'],
      ['after', { error: broken }],
      ['after', 'complete'],
      ['before', {}],
      ['before', 'complete'],
      ['after', {}],
      ['after', 'complete'],
    ]);
  });

  it('names no error that the actor got over', async () => {
    const { spawn, clock } = plant();
    let starts = 0;
    const actor = spawn(() => {
      starts += 1;
      return starts === 1 ? throwError(() => new Error('once')) : of(1);
    });
    const told: unknown[] = [];
    actor.stopped$.subscribe((stopped) => told.push(stopped));
    await clock.advance(50);
    expect(told).toEqual([{}]);
  });
});
