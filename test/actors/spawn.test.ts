import {
  concat,
  config,
  EMPTY,
  finalize,
  interval,
  map,
  merge,
  NEVER,
  Observable,
  of,
  range,
  share,
  Subject,
  take,
  tap,
} from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { limits } from '../../lib/core/limits.js';
import { type ActorRef, type Behavior, consume, type Self, stateful, type Stream } from '../../lib/index.js';
import { plant } from './plant.js';

/** Keeps what it is told. */
const keeping =
  <M>(kept: M[]): Behavior<M> =>
  (message$) =>
    new Observable((subscriber) =>
      message$.subscribe({ next: (message) => kept.push(message), error: (error: unknown) => subscriber.error(error) }),
    );

describe('an actor that is spawned', () => {
  it('takes its messages in order, once this turn is over', async () => {
    const { spawn, settle } = plant();
    const kept: number[] = [];
    const actor = spawn(keeping(kept));
    for (const message of [1, 2, 3]) void actor.send(message);
    expect(kept).toEqual([]);
    await settle();
    expect(kept).toEqual([1, 2, 3]);
  });

  it('starts once this turn is over, so that its first events are heard', async () => {
    const { spawn, settle } = plant();
    const heard: unknown[] = [];
    const actor = spawn(() => concat(of('a', 'b'), NEVER));
    actor.event$.subscribe((event) => heard.push(event));
    const states: string[] = [];
    actor.status$.subscribe(({ state }) => states.push(state));
    expect(heard).toEqual([]);
    await settle();
    expect([heard, states]).toEqual([
      ['a', 'b'],
      ['starting', 'running'],
    ]);
  });

  it('resolves what it is sent once that is in the mailbox', async () => {
    const { spawn } = plant();
    const actor = spawn(() => NEVER);
    await expect(Promise.resolve(actor.send(1))).resolves.toBeUndefined();
  });

  it('stops when its behaviour completes, be it at once', async () => {
    const { spawn, settle } = plant();
    const early = spawn(() => EMPTY);
    const late = spawn((message$) => message$.pipe(take(2)));
    const why: unknown[] = [];
    for (const actor of [early, late]) actor.stopped$.subscribe((stopped) => why.push([actor.path, stopped]));
    await settle();
    expect(why).toEqual([['node/user/actor-1', {}]]);
    for (const message of ['a', 'b', 'c']) void late.send(message);
    await settle();
    expect(why[1]).toEqual(['node/user/actor-2', {}]);
    await expect(Promise.resolve(late.send('d'))).rejects.toMatchObject({ code: 'closed', ran: 'no' });
  });

  it('is stopped by what disposes of it', async () => {
    const { spawn, settle } = plant();
    const log: string[] = [];
    {
      await using actor = spawn(() => NEVER.pipe(finalize(() => log.push('ends'))));
      actor.event$.subscribe({ complete: () => log.push('no more events') });
      await settle();
    }
    expect(log).toEqual(['ends', 'no more events']);
  });

  it('is told by its signal that a run is over, and can no longer spawn then', async () => {
    const { spawn, settle } = plant();
    const fail$ = new Subject<never>();
    const signals: AbortSignal[] = [];
    let late: unknown;
    const actor = spawn((_message$, self) => {
      signals.push(self.signal);
      self.signal.addEventListener('abort', () => {
        try {
          self.spawn(() => NEVER);
        } catch (error) {
          late = error;
        }
      });
      return fail$;
    });
    await settle();
    expect(signals[0]?.aborted).toBe(false);
    fail$.error(new Error('no'));
    expect(signals[0]?.aborted).toBe(true);
    expect(signals[0]?.reason).toMatchObject({ code: 'closed' });
    expect(late).toMatchObject({ code: 'closed' });
    actor.stop();
  });

  it('may be a for await loop, which ends with its run', async () => {
    const { spawn, settle, clock } = plant();
    const log: unknown[] = [];
    const actor = spawn(async function* (message$: AsyncIterable<number>) {
      try {
        for await (const message of message$) {
          if (message === 2) throw new RangeError('two');
          yield message * 10;
        }
      } finally {
        log.push('ends');
      }
    });
    actor.event$.subscribe((event) => log.push(event));
    for (const message of [1, 2, 3]) void actor.send(message);
    await settle();
    expect(log).toEqual([10, 'ends']);
    await clock.advance(50);
    expect(log).toEqual([10, 'ends', 30]);
    actor.stop();
    await settle();
    expect(log).toEqual([10, 'ends', 30, 'ends']);
  });

  it('leaves in its mailbox what it does not ask for', async () => {
    const { spawn, settle } = plant();
    const gates: Subject<string>[] = [];
    const actor = spawn((message$: Stream<string>) =>
      message$.pipe(
        consume((message) => {
          const gate = new Subject<string>();
          gates.push(gate);
          return gate.pipe(
            map(() => message),
            take(1),
          );
        }, 2),
      ),
    );
    const heard: string[] = [];
    actor.event$.subscribe((event) => heard.push(event));
    for (const message of 'abcd') void actor.send(message);
    await settle();
    let depth = -1;
    actor.status$.subscribe(({ mailbox }) => (depth = mailbox?.depth ?? -1));
    expect([gates.length, depth]).toEqual([2, 2]);
    gates[0]?.next('go');
    await settle();
    expect([gates.length, depth, heard]).toEqual([3, 1, ['a']]);
  });

  it('has one subscriber of its messages at a time, who may share them', async () => {
    const { spawn, settle, logger } = plant();
    const twice = spawn((message$) => merge(message$, message$), { supervise: 'stop' });
    const why: unknown[] = [];
    twice.stopped$.subscribe(({ error }) => why.push(String(error)));
    const seen: string[] = [];
    const shared = spawn((message$: Observable<number>) => {
      const shared$ = message$.pipe(share());
      return merge(shared$.pipe(map((n) => `a${String(n)}`)), shared$.pipe(map((n) => `b${String(n)}`)));
    });
    shared.event$.subscribe((event) => seen.push(event));
    void shared.send(1);
    const inTurn = spawn((message$: Observable<number>) => concat(message$.pipe(take(1)), message$.pipe(map((n) => n * 10))));
    inTurn.event$.subscribe((event) => seen.push(String(event)));
    for (const n of [1, 2, 3]) void inTurn.send(n);
    await settle();
    expect(why).toEqual(['SkeinError: [invalid-argument] message$ has a subscriber already: let others have it by share()']);
    expect(seen).toEqual(['a1', 'b1', '1', '20', '30']);
    expect(logger.at('error')).toEqual(['node/user/actor-1 failed and stays stopped']);
  });

  it('may send to itself', async () => {
    const { spawn, settle } = plant();
    const countdown = spawn(
      stateful<number, number>(
        () => 0,
        (sum, n, self) => {
          if (n > 0) void self.send(n - 1);
          return sum + n;
        },
      ),
    );
    let sum = 0;
    countdown.event$.subscribe((event) => (sum = event));
    void countdown.send(100);
    await settle();
    expect(sum).toBe(5_050);
  });

  it('tells how it is, with all below it', async () => {
    const { spawn, settle, root } = plant();
    const parent = spawn(
      (_message$, self) => {
        self.spawn(() => NEVER, { name: 'child', mailbox: { max: 3, overflow: 'block' } });
        return NEVER;
      },
      { name: 'parent' },
    );
    await settle();
    const child = {
      path: 'node/user/parent/child',
      state: 'running',
      note: '',
      mailbox: { depth: 0, max: 3, overflow: 'block', dropped: 0 },
      buffers: [],
      processed: 0,
      restarts: 0,
      lastError: undefined,
      children: [],
    };
    const seen: unknown[] = [];
    parent.status$.subscribe((status) => seen.push(status));
    const mailbox = { depth: 0, max: limits.actorMailboxMax, overflow: 'fail', dropped: 0 };
    expect(seen).toEqual([{ ...child, path: 'node/user/parent', mailbox, children: [child] }]);
    void parent.send('waits');
    await settle();
    expect(seen[1]).toMatchObject({ mailbox: { depth: 1 } });
    expect(root.status().children[0]?.children[0]).toEqual(seen[1]);
  });

  it('counts and logs what waited for it as it stops', async () => {
    const { spawn, settle, count, logger } = plant();
    const actor = spawn(() => NEVER);
    for (const message of [1, 2, 3]) void actor.send(message);
    await settle();
    actor.stop();
    expect(count('messages.dead')).toBe(3);
    expect(logger.at('warn')).toEqual(['node/user/actor-1 stopped, and its mailbox with it: 3 waited there']);
  });

  it('refuses what makes no sense, every problem listed', () => {
    const { spawn } = plant();
    spawn(() => NEVER, { name: 'taken' });
    const behavior = () => NEVER;
    const options = {
      name: 'a/b',
      mailbox: { max: 0, overflow: 'burn', min: 1 },
      supervise: { restart: { max: -1, maxMs: -1 } },
      nmae: 1,
    };
    const problems = (...args: unknown[]): unknown => {
      try {
        return (spawn as (...given: unknown[]) => unknown)(...args);
      } catch (error) {
        return (error as { details: { issues: { message: string }[] } }).details.issues.map(({ message }) => message);
      }
    };
    expect(problems(behavior, options)).toEqual([
      'an actor has no option nmae',
      'the name of an actor must be a text of 1 to 255 characters without /',
      'a mailbox has no option min',
      'mailbox.max must be a whole number from 1, and is 0',
      'mailbox.overflow must be one of block, fail, drop-oldest, drop-newest, latest',
      'restart.max must be a whole number, or Infinity',
      'restart.maxMs must be at least minMs',
    ]);
    expect(problems('no', { name: 'taken' })).toEqual([
      'a behaviour must be a function of its messages: (message$, self) => event$',
      'node/user has an actor taken already: give another name, or none',
    ]);
    expect(problems(behavior, { supervise: 'resume', mailbox: { overflow: 'latest', max: 2 } })).toEqual([
      'a mailbox that keeps the latest has a max of 1',
      'only what stateful(…) makes can be resumed: any other behaviour has ended when it fails',
    ]);
    expect(problems(behavior, { supervise: 'sometimes', mailbox: 'big' })).toEqual([
      'mailbox must be an object: { max, overflow }',
      'a strategy is restart, resume, stop, escalate, or { restart: { max, withinMs, minMs, maxMs } }',
    ]);
    expect(problems(behavior, null)).toEqual(['options of an actor must be an object']);
  });

  it('may have the name of one that has stopped', () => {
    const { spawn } = plant();
    spawn(() => NEVER, { name: 'one' }).stop();
    expect(spawn(() => NEVER, { name: 'one' }).path).toBe('node/user/one');
    spawn(() => NEVER, { name: 'actor-1' });
    expect(spawn(() => NEVER).path).toBe('node/user/actor-2');
  });

  it('is refused where too many stand beside it', () => {
    const { spawn } = plant();
    for (let i = 0; i < limits.childrenMax; i += 1) spawn(() => NEVER);
    expect(() => spawn(() => NEVER)).toThrow('[overloaded] node/user has 65536 actors below it');
  });
});

describe('nothing that an actor or its watchers do breaks the kernel:', () => {
  it('a million messages in a cycle take no stack, and leave turns to others', async () => {
    const { spawn, settle, clock } = plant();
    let total = 0;
    let others = 0;
    const bounce =
      (next: () => { send(message: number): PromiseLike<void> }): Behavior<number> =>
      (message$) =>
        new Observable(() =>
          message$.subscribe((left) => {
            total += 1;
            if (left > 0) void next().send(left - 1);
          }),
        );
    const ping: ActorRef<number> = spawn(bounce(() => pong));
    const pong: ActorRef<number> = spawn(bounce(() => ping));
    const sub = clock.schedule(function (this: { schedule(state?: unknown, delay?: number): unknown }) {
      others += 1;
      if (total < 1_000_001) this.schedule(undefined, 0);
    }, 0);
    void ping.send(1_000_000);
    await settle();
    expect(total).toBe(1_000_001);
    expect(others).toBeGreaterThan(500);
    sub.unsubscribe();
  });

  it('what emits without end as it is subscribed is failed, and restarted no more than others', async () => {
    const { spawn, clock } = plant();
    let starts = 0;
    const actor = spawn(
      () => {
        starts += 1;
        return range(0, Infinity);
      },
      { supervise: { restart: { max: 1 } } },
    );
    let why: unknown;
    actor.stopped$.subscribe(({ error }) => (why = error));
    await clock.advance(1_000);
    expect(starts).toBe(2);
    expect(String(why)).toBe('SkeinError: [overloaded] it emitted more than 1048576 events and let nothing else run');
  });

  it('what emits for ever, but lets others run, goes on', async () => {
    const { spawn, clock } = plant();
    let heard = 0;
    const actor = spawn((_message$, { clock: time }) => interval(1, time).pipe(consumeMany(400)));
    actor.event$.subscribe(() => (heard += 1));
    await clock.advance(4_000);
    expect(heard).toBe(1_600_000);
    actor.stop();
  });

  it('a watcher that stops the actor within an endless run ends it', async () => {
    const { spawn, settle } = plant();
    let heard = 0;
    const actor = spawn(() => range(0, Infinity));
    actor.event$.subscribe(() => {
      heard += 1;
      if (heard === 5) actor.stop();
    });
    await settle();
    expect(heard).toBe(5);
  });

  it('a watcher that throws has its error reported, and the actor goes on', async () => {
    const { spawn, settle } = plant();
    const reported: unknown[] = [];
    const { onUnhandledError } = config;
    config.onUnhandledError = (error) => reported.push(error);
    onTestFinished(() => void (config.onUnhandledError = onUnhandledError));
    const heard: unknown[] = [];
    const actor = spawn((message$: Observable<number>) => message$);
    actor.event$.subscribe(() => {
      throw new Error('bad watcher');
    });
    actor.event$.subscribe((event) => heard.push(event));
    for (const message of [1, 2]) void actor.send(message);
    await settle();
    expect(heard).toEqual([1, 2]);
    await vi.waitFor(() => {
      expect(reported).toEqual([new Error('bad watcher'), new Error('bad watcher')]);
    });
  });

  it('a behaviour that gives no stream fails like any other', async () => {
    const { spawn, settle, logger } = plant();
    spawn((() => undefined) as unknown as Behavior<number>, { supervise: 'stop' });
    await settle();
    expect(logger.lines.at(-1)?.fields?.error).toBeInstanceOf(TypeError);
  });

  it('a failure nobody waits for leaves nothing unhandled', async () => {
    const { spawn, settle } = plant();
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const actor = spawn(() => NEVER, { mailbox: { max: 1 } });
    for (let i = 0; i < 3; i += 1) void actor.send(i);
    actor.stop();
    void actor.send(1);
    await settle();
    await settle();
    expect(unhandled).toEqual([]);
  });

  it('leaves nothing scheduled once all has stopped', async () => {
    const { spawn, settle, root, clock } = plant();
    let turns = 0;
    const actor = spawn((message$: Observable<number>, self: Self<number>) => message$.pipe(tap((n) => void self.send(n))));
    actor.event$.subscribe(() => (turns += 1));
    void actor.send(1);
    await clock.runUntil(() => turns > 5_000);
    root.stop();
    await settle();
    expect(clock.pending).toBe(0);
  });
});

/** So many values for each. */
const consumeMany = (count: number) => (source$: Observable<number>) =>
  new Observable<number>((subscriber) =>
    source$.subscribe(() => {
      for (let i = 0; i < count; i += 1) subscriber.next(i);
    }),
  );
