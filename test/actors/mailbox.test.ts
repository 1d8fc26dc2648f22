import { firstValueFrom, NEVER, type Observable, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { limits } from '../../lib/core/limits.js';
import { consume, type MailboxBounds, type Overflow, type Stream } from '../../lib/index.js';
import { plant } from './plant.js';

/** An actor that takes a message each time that it is let, and tells what it took. */
const held = (mailbox: MailboxBounds) => {
  const planted = plant();
  const gate$ = new Subject<void>();
  const taken: string[] = [];
  const actor = planted.spawn(
    (message$: Stream<string>) =>
      message$.pipe(
        consume(async (message) => {
          taken.push(message);
          await firstValueFrom(gate$, { defaultValue: undefined });
        }),
      ),
    { mailbox },
  );
  const settled: string[] = [];
  const send = (message: string): void => {
    actor.send(message).then(
      () => settled.push(`${message} sent`),
      (error: unknown) => settled.push(`${message} ${(error as { code: string }).code}`),
    );
  };
  const next = async (): Promise<void> => {
    gate$.next();
    await planted.settle();
  };
  const status = () => {
    let last: unknown;
    actor.status$.subscribe(({ mailbox: box, processed }) => (last = { ...box, processed })).unsubscribe();
    return last;
  };
  return { ...planted, actor, taken, settled, send, next, status };
};

const policies: Readonly<
  Record<Overflow, { max?: number; told: string; taken: string; dropped: number; depth: number; later: string }>
> = {
  fail: { told: 'b sent, c sent, d overloaded, e overloaded', taken: 'abc', dropped: 0, depth: 2, later: '' },
  block: { told: 'b sent, c sent', taken: 'abcde', dropped: 0, depth: 2, later: 'd sent, e sent' },
  'drop-oldest': { told: 'b sent, c sent, d sent, e sent', taken: 'ade', dropped: 2, depth: 2, later: '' },
  'drop-newest': { told: 'b sent, c sent, d sent, e sent', taken: 'abc', dropped: 2, depth: 2, later: '' },
  latest: { max: 1, told: 'b sent, c sent, d sent, e sent', taken: 'ae', dropped: 3, depth: 1, later: '' },
};

describe.each(Object.entries(policies))('a mailbox of two that overflows by %s', (name, policy) => {
  const overflow = name as Overflow;
  const full = async () => {
    const world = held({ max: policy.max ?? 2, overflow });
    world.send('a');
    await world.settle();
    world.settled.length = 0;
    for (const message of 'bcde') world.send(message);
    await world.settle();
    return world;
  };

  it('tells its senders', async () => {
    const { settled } = await full();
    expect(settled.join(', ')).toBe(policy.told);
  });

  it('shows and counts what it let go', async () => {
    const { status, count } = await full();
    const { dropped, depth, max = 2 } = policy;
    expect(status()).toEqual({ depth, max, overflow, dropped, processed: 1 });
    expect(count('messages.dropped')).toBe(dropped);
    expect(count('messages.overloaded')).toBe(overflow === 'fail' ? 2 : 0);
  });

  it('gives out the others in order', async () => {
    const { taken, next, settled } = await full();
    settled.length = 0;
    for (let i = 0; i < 5; i += 1) await next();
    expect(taken.join('')).toBe(policy.taken);
    expect(settled.join(', ')).toBe(policy.later);
  });

  it('has nothing left once the actor stops', async () => {
    const { actor, settled, settle, count, status } = await full();
    settled.length = 0;
    actor.stop();
    await settle();
    expect(settled.join(', ')).toBe(overflow === 'block' ? 'd closed, e closed' : '');
    expect(count('messages.dead')).toBe(policy.depth);
    expect(status()).toMatchObject({ depth: 0 });
  });
});

describe('a mailbox', () => {
  it('holds 1,024 messages and refuses one more, by default', async () => {
    const { spawn, settle } = plant();
    const actor = spawn(() => NEVER);
    for (let i = 0; i < limits.actorMailboxMax; i += 1) void actor.send(i);
    await settle();
    await expect(Promise.resolve(actor.send(0))).rejects.toMatchObject({
      code: 'overloaded',
      ran: 'no',
      message: '[overloaded] node/user/actor-1 has 1024 messages waiting, which is all that its mailbox holds',
    });
  });

  it('lets only so many senders wait', async () => {
    const { spawn, count } = plant();
    const actor = spawn(() => NEVER, { mailbox: { max: 1, overflow: 'block' } });
    for (let i = 0; i <= limits.sendersMax; i += 1) void actor.send(i);
    expect(count('messages.overloaded')).toBe(0);
    await expect(Promise.resolve(actor.send(0))).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('answers who asks late what became of a message that waited', async () => {
    const { actor, send, next, settle } = held({ max: 1, overflow: 'block' });
    for (const message of 'ab') send(message);
    await settle();
    const late = actor.send('c');
    const never = actor.send('d');
    await next();
    await expect(Promise.resolve(late)).resolves.toBeUndefined();
    actor.stop();
    await expect(Promise.resolve(never)).rejects.toMatchObject({ code: 'closed' });
  });

  it('gives its actors turns, so that none waits for another with much to do', async () => {
    const { spawn, settle } = plant();
    const order: string[] = [];
    const note = (name: string) =>
      spawn((message$: Observable<number>) => {
        message$.subscribe(() => order.push(name));
        return NEVER;
      });
    const [busy, other] = [note('busy'), note('other')];
    for (let i = 0; i < 1_000; i += 1) void busy.send(i);
    void other.send(1);
    await settle();
    expect(order.indexOf('other')).toBe(limits.messagesInARowMax);
  });
});
