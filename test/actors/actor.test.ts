import { concat, defer, EMPTY, finalize, merge, NEVER, type Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Actor, type ActorOptions, type ActorStatus } from '../../lib/actors/actor.js';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { limits } from '../../lib/core/limits.js';
import { RecordingLogger } from '../recording-logger.js';

/** A tree in virtual time whose waits are the shortest that chance allows. */
const plant = () => {
  const clock = new VirtualClock({ epochMs: 0 });
  const logger = new RecordingLogger();
  const random = new (class extends SeededRandom {
    override next(): number {
      return 0;
    }
  })(0);
  return { clock, logger, root: Actor.root('node', { clock, random, logger }) };
};

/** Lives until it is unsubscribed, and says when it starts and when it ends. */
const living = (name: string, log: string[]): Observable<never> =>
  defer(() => {
    log.push(`${name} starts`);
    return NEVER.pipe(finalize(() => log.push(`${name} ends`)));
  });

const failing = (error: unknown): Observable<never> => throwError(() => error);

describe('Actor', () => {
  it('runs its behaviour from its start to its stop', () => {
    const { root } = plant();
    const log: string[] = [];
    const actor = root.spawn('worker', () => living('worker', log));
    expect([actor.path, actor.status().state, actor.isStopped]).toEqual(['node/worker', 'running', false]);
    actor.stop();
    actor.stop();
    expect(log).toEqual(['worker starts', 'worker ends']);
    expect([actor.status().state, actor.isStopped]).toEqual(['stopped', true]);
  });

  it('stops when its behaviour completes, be it at once', () => {
    const { root } = plant();
    const end$ = new Subject<never>();
    const [late, early] = [root.spawn('late', () => end$), root.spawn('early', () => EMPTY)];
    expect([late.isStopped, early.isStopped]).toEqual([false, true]);
    end$.complete();
    expect(late.isStopped).toBe(true);
    expect(root.status().children).toEqual([]);
  });

  it('can stop itself from within its behaviour', () => {
    const { root } = plant();
    const log: string[] = [];
    const actor = root.spawn('worker', (self) =>
      merge(
        living('worker', log),
        defer(() => {
          self.stop();
          return EMPTY;
        }),
      ),
    );
    expect(actor.isStopped).toBe(true);
    expect(log).toEqual(['worker starts', 'worker ends']);
  });

  it('starts no children once it is stopping', () => {
    const { root } = plant();
    const late: unknown[] = [];
    const actor = root.spawn('worker', (self) =>
      NEVER.pipe(
        finalize(() => {
          try {
            late.push(self.spawn('late', () => NEVER));
          } catch (error) {
            late.push(String(error));
          }
        }),
      ),
    );
    actor.stop();
    expect(late).toEqual(['SkeinError: [closed] node/worker is stopped, and starts no late']);
    expect(() => actor.spawn('later', () => NEVER)).toThrow('node/worker is stopped, and starts no later');
  });
});

describe('an actor that fails', () => {
  it('is restarted with growing waits', async () => {
    const { clock, logger, root } = plant();
    const startedAt: number[] = [];
    const actor = root.spawn('worker', () => {
      startedAt.push(clock.now());
      return failing(new Error(`no ${String(startedAt.length)}`));
    });
    expect(actor.status()).toMatchObject({ state: 'waiting', restarts: 0, lastError: new Error('no 1') });
    await clock.advance(750);
    expect(startedAt).toEqual([0, 50, 150, 350, 750]);
    expect(actor.status()).toMatchObject({ state: 'waiting', restarts: 4, lastError: new Error('no 5') });
    expect(logger.at('warn')).toContain('node/worker failed and is restarted in 50 ms');
    actor.stop();
    await clock.advance(60_000);
    expect(startedAt).toHaveLength(5);
    expect(clock.pending).toBe(0);
  });

  it('is restarted after a throw as after an error, at once or later', async () => {
    const { clock, root } = plant();
    let starts = 0;
    const fail$ = new Subject<never>();
    const actor = root.spawn('worker', () => {
      starts += 1;
      if (starts === 1) throw new Error('thrown');
      return starts === 2 ? fail$ : NEVER;
    });
    expect(actor.status()).toMatchObject({ state: 'waiting', lastError: new Error('thrown') });
    await clock.advance(50);
    expect(actor.status()).toMatchObject({ state: 'running', restarts: 1 });
    fail$.error(new Error('later'));
    expect(actor.status()).toMatchObject({ state: 'waiting', lastError: new Error('later') });
    await clock.advance(100);
    expect(actor.status()).toMatchObject({ state: 'running', restarts: 2 });
  });

  it('stays stopped after so many restarts within the window', async () => {
    const { clock, logger, root } = plant();
    let starts = 0;
    const actor = root.spawn('worker', () => {
      starts += 1;
      return failing(new Error('always'));
    });
    const told: unknown[] = [];
    actor.stopped$.subscribe((error) => told.push(error));
    await clock.advance(limits.restartsWithinMs);
    expect(actor.isStopped).toBe(true);
    expect(starts).toBe(limits.restartsMax + 1);
    expect(told).toEqual([{ error: new Error('always') }]);
    expect(logger.at('error')).toEqual(['node/worker failed and stays stopped']);
    expect(root.status().children).toEqual([]);
  });

  it('is forgiven failures that lie further back than the window', async () => {
    const { clock, root } = plant();
    const fail$ = new Subject<never>();
    let current$ = fail$;
    const actor = root.spawn('worker', () => (current$ = new Subject<never>()));
    for (let i = 0; i < limits.restartsMax * 3; i += 1) {
      current$.error(new Error('now and then'));
      expect(actor.status().state).toBe('waiting');
      await clock.advance(limits.restartsWithinMs / 5);
      expect(actor.status().state).toBe('running');
    }
  });

  it('stays stopped at its first failure where its supervision says so', () => {
    const { clock, logger, root } = plant();
    const actor = root.spawn('worker', () => failing(new Error('no')), { supervise: 'stop' });
    expect(actor.isStopped).toBe(true);
    expect(actor.status()).toMatchObject({ state: 'stopped', restarts: 0, lastError: new Error('no') });
    expect(logger.at('error')).toEqual(['node/worker failed and stays stopped']);
    expect(clock.pending).toBe(0);
  });

  it('harms neither its parent nor its siblings', () => {
    const { root } = plant();
    const parent = root.spawn('parent', () => NEVER);
    const sibling = parent.spawn('sibling', () => NEVER);
    parent.spawn('child', () => failing(new Error('no')), { supervise: 'stop' });
    expect([parent.status().state, sibling.status().state]).toEqual(['running', 'running']);
  });
});

describe('the children of an actor', () => {
  const family = (root: Actor, log: string[], options?: ActorOptions) => {
    const fail$ = new Subject<never>();
    const parent = root.spawn(
      'parent',
      (self) => {
        for (const name of ['a', 'b', 'c']) {
          const child = self.spawn(name, () => living(name, log));
          if (name === 'b') child.spawn('b1', () => living('b1', log));
        }
        return merge(living('parent', log), fail$);
      },
      options,
    );
    return { parent, fail$ };
  };

  it('stop before it, the last one first', () => {
    const { root } = plant();
    const log: string[] = [];
    const { parent } = family(root, log);
    expect(log).toEqual(['a starts', 'b starts', 'b1 starts', 'c starts', 'parent starts']);
    log.length = 0;
    parent.stop();
    expect(log).toEqual(['c ends', 'b1 ends', 'b ends', 'a ends', 'parent ends']);
  });

  it('stop before it is restarted, and start anew with it', async () => {
    const { clock, root } = plant();
    const log: string[] = [];
    const { parent, fail$ } = family(root, log);
    log.length = 0;
    fail$.error(new Error('no'));
    expect(log.slice(0, 4)).toEqual(['c ends', 'b1 ends', 'b ends', 'a ends']);
    expect(parent.status().children).toEqual([]);
    await clock.advance(49);
    expect(log).toHaveLength(5);
    await clock.advance(1);
    // The second run fails too, for its subject has failed: but its children had started.
    expect(log.slice(5)).toEqual(expect.arrayContaining(['a starts', 'b starts', 'b1 starts', 'c starts', 'parent starts']));
  });

  it('stop with the root, and one that fails on its way out keeps no other from it', () => {
    const { logger, root } = plant();
    const log: string[] = [];
    family(root, log);
    root.spawn('other', () =>
      NEVER.pipe(
        finalize(() => {
          throw new Error('stuck');
        }),
      ),
    );
    log.length = 0;
    root.stop();
    expect(log).toEqual(['c ends', 'b1 ends', 'b ends', 'a ends', 'parent ends']);
    expect(logger.at('error')).toEqual(['node/other failed as it was stopped']);
    expect(root.status()).toMatchObject({ state: 'stopped', children: [] });
  });
});

describe('the status of an actor', () => {
  it('is a tree that says how each one is', () => {
    const { root } = plant();
    const pool = root.spawn('pool', () => NEVER);
    const link = pool.spawn('tcp://a', () => NEVER, { mailbox: { size: 3, max: 8 } });
    link.say('live');
    const plain = {
      note: '',
      mailbox: undefined,
      buffers: [],
      processed: 0,
      restarts: 0,
      lastError: undefined,
      state: 'running' as const,
    };
    expect(root.status()).toEqual<ActorStatus>({
      ...plain,
      path: 'node',
      children: [
        {
          ...plain,
          path: 'node/pool',
          children: [
            {
              ...plain,
              path: 'node/pool/tcp://a',
              note: 'live',
              mailbox: { depth: 3, max: 8, overflow: 'fail', dropped: 0 },
              children: [],
            },
          ],
        },
      ],
    });
  });

  it('is told at once, and then once for all changes of one turn', async () => {
    const { clock, root } = plant();
    const seen: string[] = [];
    root.status$.subscribe(({ children }) => {
      seen.push(children.map(({ path, state, note }) => `${path.replace('node/', '')} ${state} ${note}`.trim()).join(', '));
    });
    expect(seen).toEqual(['']);
    const a = root.spawn('a', () => NEVER);
    const b = root.spawn('b', () => failing(new Error('no')));
    a.say('busy');
    expect(seen).toHaveLength(1);
    await clock.advance(0);
    expect(seen.slice(1)).toEqual(['a running busy, b waiting']);
    b.stop();
    a.say('idle');
    a.say('idle');
    await clock.advance(0);
    expect(seen.slice(2)).toEqual(['a running idle']);
    await clock.advance(1_000);
    expect(seen).toHaveLength(3);
  });

  it('tells the stop last, and completes', async () => {
    const { clock, root } = plant();
    const states: string[] = [];
    const actor = root.spawn('worker', () => NEVER);
    actor.status$.subscribe({ next: ({ state }) => states.push(state), complete: () => states.push('complete') });
    actor.stop();
    await clock.advance(0);
    expect(states).toEqual(['running', 'stopped', 'complete']);
    actor.status$.subscribe({ next: ({ state }) => states.push(state), complete: () => states.push('complete') });
    expect(states.slice(3)).toEqual(['stopped', 'complete']);
    expect(clock.pending).toBe(0);
  });

  it('says when it is told of to whoever asks before or after', () => {
    const { root } = plant();
    const told: unknown[] = [];
    const note = (name: string) => ({
      next: (error: unknown) => told.push([name, error]),
      complete: () => told.push([name, 'complete']),
    });
    const broken = new Error('broken');
    const actor = root.spawn('worker', () => concat(of(1), failing(broken)), { supervise: 'stop' });
    actor.stopped$.subscribe(note('after'));
    const other = root.spawn('other', () => NEVER);
    other.stopped$.subscribe(note('before'));
    other.stop();
    expect(told).toEqual([
      ['after', { error: broken }],
      ['after', 'complete'],
      ['before', {}],
      ['before', 'complete'],
    ]);
  });
});
