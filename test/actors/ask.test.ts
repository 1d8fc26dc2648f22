import { NEVER, type Observable, retry } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type ActorRef, type Behavior, consume, stateful, type Stream } from '../../lib/index.js';
import { plant } from './plant.js';

interface Get {
  readonly double: number;
  readonly reply: (value: number) => void;
}

/** Hears, and says nothing. */
const silence: Behavior<Get> = () => NEVER;

const doubling = (world: ReturnType<typeof plant>): ActorRef<Get, number> =>
  world.spawn(
    stateful<Get, number>(
      () => 0,
      (asked, { double, reply }) => {
        reply(double * 2);
        reply(-1);
        return asked + 1;
      },
    ),
  );

const ask = (actor: ActorRef<Get>, double: number, options?: { timeoutMs?: number; signal?: AbortSignal }) =>
  actor.ask<number>((reply) => ({ double, reply }), options);

describe('an actor that is asked', () => {
  it('is sent nothing until the answer is awaited or subscribed, then once for all that await and once a subscription', async () => {
    const world = plant();
    const actor = doubling(world);
    let asked = 0;
    actor.event$.subscribe((state) => (asked = state));
    const answer = ask(actor, 21);
    await world.settle();
    expect(asked).toBe(0);
    const both = Promise.all([answer, answer]);
    await world.settle();
    expect([await both, asked]).toEqual([[42, 42], 1]);
    const seen: unknown[] = [];
    for (let i = 0; i < 2; i += 1) answer.subscribe({ next: (value) => seen.push(value), complete: () => seen.push('complete') });
    await world.settle();
    expect([seen, asked]).toEqual([[42, 'complete', 42, 'complete'], 3]);
    expect(world.count('asks.ok')).toBe(3);
  });

  it('can be asked in a pipeline, by a loop, and again after a failure', async () => {
    const world = plant();
    let tries = 0;
    const actor = world.spawn((message$: Observable<Get>) => {
      message$.subscribe(({ double, reply }) => {
        tries += 1;
        if (tries === 2) reply(double);
      });
      return NEVER;
    });
    let got: unknown;
    ask(actor, 5, { timeoutMs: 100 })
      .pipe(retry(1))
      .subscribe((value) => (got = value));
    await world.clock.advance(200);
    expect(got).toBe(5);
    const other = doubling(world);
    const items: number[] = [];
    const looped = (async () => {
      for await (const item of ask(other, 4)) items.push(item);
    })();
    await world.settle();
    await looped;
    expect(items).toEqual([8]);
  });

  const silent = (world: ReturnType<typeof plant>) => world.spawn((message$: Stream<Get>) => message$.pipe(consume(() => NEVER)));
  const failure = async (answer: PromiseLike<number>): Promise<unknown> =>
    answer.then(
      () => 'answered',
      (error: unknown) => error,
    );

  it('has as long as it is given, by default as long as the node says', async () => {
    const world = plant();
    const actor = silent(world);
    const short = failure(ask(actor, 1, { timeoutMs: 100 }));
    const long = failure(ask(actor, 2));
    await world.clock.advance(105);
    expect(await short).toMatchObject({ code: 'deadline-exceeded', ran: 'unknown', details: { timeoutMs: 100 } });
    await world.clock.advance(5_000);
    // The first was never finished, so the second was never taken.
    expect(await long).toMatchObject({ code: 'deadline-exceeded', ran: 'no', details: { timeoutMs: 5_000 } });
    expect(world.count('asks.deadline-exceeded')).toBe(2);
  });

  it('gets nothing where there is no time, or whoever asks has left before', async () => {
    const world = plant();
    const actor = doubling(world);
    expect(await failure(ask(actor, 1, { timeoutMs: 0 }))).toMatchObject({ code: 'deadline-exceeded', ran: 'no' });
    const left = AbortSignal.abort(new Error('left'));
    expect(await failure(ask(actor, 1, { signal: left }))).toMatchObject({
      code: 'cancelled',
      ran: 'no',
      message: '[cancelled] left',
    });
    expect(await failure(ask(actor, 1, { timeoutMs: -1 }))).toMatchObject({ code: 'invalid-argument' });
    await world.settle();
    expect(world.root.status().children[0]?.children[0]).toMatchObject({ processed: 0 });
  });

  it('fails with what making the message throws', async () => {
    const world = plant();
    const answer = doubling(world).ask<number>(() => {
      throw new TypeError('no message');
    });
    expect(await failure(answer)).toMatchObject({
      code: 'invalid-argument',
      ran: 'no',
      message: '[invalid-argument] the question failed: TypeError: no message',
      cause: new TypeError('no message'),
    });
    expect(await failure(doubling(world).ask(5 as never))).toMatchObject({ code: 'invalid-argument', ran: 'no' });
  });

  it('never sees a question that was given up while it waited, which then takes no room', async () => {
    const world = plant();
    const gates: Get[] = [];
    const actor = world.spawn(
      (message$: Stream<Get>) =>
        message$.pipe(
          consume((message) => {
            gates.push(message);
            return NEVER;
          }),
        ),
      { mailbox: { max: 2 } },
    );
    const abort = new AbortController();
    const first = failure(ask(actor, 1));
    await world.settle();
    const leaving = [2, 3].map((n) => failure(ask(actor, n, { signal: abort.signal })));
    const refused = await failure(ask(actor, 4));
    expect(refused).toMatchObject({ code: 'overloaded', ran: 'no' });
    abort.abort(new Error('enough'));
    expect(await Promise.all(leaving)).toMatchObject([
      { code: 'cancelled', ran: 'no' },
      { code: 'cancelled', ran: 'no' },
    ]);
    const subscription = ask(actor, 5).subscribe();
    void failure(ask(actor, 6));
    subscription.unsubscribe();
    expect(gates.map(({ double }) => double)).toEqual([1]);
    expect(world.count('asks.cancelled')).toBe(3);
    world.root.stop();
    expect(await first).toMatchObject({ code: 'closed' });
  });

  it('fails closed where it stops: of unknown outcome if it had taken the question', async () => {
    const world = plant();
    const actor = silent(world);
    const [taken, waiting] = [failure(ask(actor, 1)), failure(ask(actor, 2))];
    await world.settle();
    actor.stop();
    expect(await taken).toMatchObject({ code: 'closed', ran: 'unknown', details: { what: 'node/user/actor-1' } });
    expect(await waiting).toMatchObject({ code: 'closed', ran: 'no' });
    expect(await failure(ask(actor, 3))).toMatchObject({ code: 'closed', ran: 'no' });
  });

  it.each(['restart', 'resume'] as const)('fails closed where it failed at the question and goes on by %s', async (supervise) => {
    const world = plant();
    const actor = world.spawn(
      stateful<Get, number>(
        () => 0,
        (asked, { double, reply }) => {
          if (double < 0) throw new RangeError('negative');
          reply(double);
          return asked + 1;
        },
      ),
      { supervise },
    );
    const [bad, good] = [failure(ask(actor, -1)), ask(actor, 7).then((value) => value)];
    await world.clock.advance(50);
    expect(await bad).toMatchObject({ code: 'closed', ran: 'unknown', cause: new RangeError('negative') });
    expect(await good).toBe(7);
  });

  it('fails overloaded where its question is let go', async () => {
    const world = plant();
    const actor = world.spawn(silence, { mailbox: { overflow: 'latest' } });
    const first = failure(ask(actor, 1));
    void failure(ask(actor, 2));
    expect(await first).toMatchObject({ code: 'overloaded', ran: 'no' });
    world.root.stop();
  });

  it('is asked by many who obey one signal', async () => {
    const world = plant();
    const actor = silent(world);
    const abort = new AbortController();
    const warnings: unknown[] = [];
    const note = (warning: unknown): void => void warnings.push(warning);
    process.on('warning', note);
    const answers = Array.from({ length: 50 }, (_, n) => failure(ask(actor, n, { signal: abort.signal })));
    await world.settle();
    abort.abort();
    expect(new Set((await Promise.all(answers)).map((error) => (error as { code: string }).code))).toEqual(
      new Set(['cancelled']),
    );
    await world.settle();
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});
