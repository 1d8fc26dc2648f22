import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { Kind } from '../../lib/core/envelope.js';
import { SkeinError } from '../../lib/core/errors.js';
import { limits } from '../../lib/core/limits.js';
import type { Incoming } from '../../lib/ports/transport.js';
import { Bulkhead, type BulkheadBounds } from '../../lib/rpc/bulkhead.js';
import { rpcPorts, TestIncoming } from './rpc-world.js';

/** A bulkhead before a method that notes what it starts, and finishes it after `takesMs`, or when told to. */
const setUp = (bounds: BulkheadBounds, takesMs = Infinity) => {
  const clock = new VirtualClock({ epochMs: 0 });
  const ports = rpcPorts(clock);
  const started: number[] = [];
  const working: Incoming[] = [];
  const finish = (request: Incoming | undefined): void => {
    if (!request) throw new Error('nothing is at work');
    request.reply(undefined, 0);
    bulkhead.finish();
  };
  const start = (request: Incoming): void => {
    started.push(request.id);
    if (takesMs === 0) finish(request);
    else if (takesMs === Infinity) working.push(request);
    else clock.schedule(() => finish(request), takesMs);
  };
  const bulkhead = new Bulkhead({ server: 's', topic: 't', name: 'm', start }, bounds, ports);
  let ids = 0;
  const admit = (caller = 'c', kind: Incoming['kind'] = Kind.call, ttlMs = 60_000): TestIncoming => {
    const request = new TestIncoming((ids += 1), caller, kind, ttlMs, clock.now());
    bulkhead.admit(request);
    return request;
  };
  return { clock, ports, bulkhead, started, admit, finishOne: () => finish(working.shift()) };
};

describe('a bulkhead', () => {
  it('starts as many at once as it may, in order, and refuses what is too much before it starts', () => {
    const { bulkhead, started, admit, finishOne, ports } = setUp({ concurrency: 2, queue: 3 });
    const requests = Array.from({ length: 6 }, () => admit());
    expect(started).toEqual([1, 2]);
    expect(bulkhead.mailbox).toMatchObject({ size: 3, max: 3 });
    expect(requests.map(({ told }) => told[0])).toEqual(['left', 'left', undefined, undefined, undefined, 'overloaded']);
    expect(ports.meter.counter('mailbox.full').total).toBe(1);
    for (let i = 0; i < 5; i += 1) finishOne();
    expect(started).toEqual([1, 2, 3, 4, 5]);
  });

  it('starts at once what finishes at once, however long the backlog, without a word to the clock', () => {
    const { clock, started, admit } = setUp({ concurrency: 1, queue: 0 }, 0);
    for (let i = 0; i < 5_000; i += 1) admit();
    expect(started).toHaveLength(5_000);
    expect(clock.pending).toBe(0);
  });

  it('lets other work run between many that finish at once', async () => {
    const clock = new VirtualClock({ epochMs: 0 });
    let started = 0;
    const start = (): void => {
      started += 1;
      // The first one is slow.
      if (started > 1) bulkhead.finish();
    };
    const bulkhead = new Bulkhead(
      { server: 's', topic: 't', name: 'm', start },
      { concurrency: 1, queue: 5_000 },
      rpcPorts(clock),
    );
    for (let i = 0; i <= 5_000; i += 1) bulkhead.admit(new TestIncoming(i));
    bulkhead.finish();
    expect(started).toBe(1 + limits.startsPerTurnMax);
    await clock.advance(1);
    expect(started).toBe(5_001);
  });

  it('gives the place of a caller who has most waiting to one who has less, and never that of a cast', () => {
    const { admit } = setUp({ concurrency: 1, queue: 4 });
    admit('flood');
    const flood = Array.from({ length: 4 }, () => admit('flood'));
    const other = admit('other');
    expect(other.told).toEqual([]);
    expect(flood.map(({ told }) => told[0])).toEqual([undefined, undefined, undefined, 'overloaded']);
    const casts = setUp({ concurrency: 1, queue: 4 });
    casts.admit('flood');
    const waiting = Array.from({ length: 4 }, () => casts.admit('flood', Kind.cast));
    expect(casts.admit('other').told).toContain('overloaded');
    expect(waiting.flatMap(({ told }) => told)).toEqual([]);
  });

  it('gives the places of the dead away first', () => {
    const { started, admit, finishOne } = setUp({ concurrency: 1, queue: 3 });
    const [, , second] = [admit('a'), admit('a'), admit('a'), admit('a')];
    second?.cancel(new SkeinError('cancelled', { reason: 'unwanted' }));
    expect(admit('a').told).toEqual([]);
    expect(admit('b').told).toEqual([]);
    finishOne();
    finishOne();
    expect(started).toEqual([1, 2, 6]);
  });

  it('starts nothing whose time is up, at its turn', async () => {
    const { clock, ports, started, admit, finishOne } = setUp({ concurrency: 1, queue: 3 });
    admit();
    const [late, cast] = [admit('c', Kind.call, 50), admit('c', Kind.cast, 50)];
    const last = admit();
    await clock.advance(60);
    finishOne();
    expect(started).toEqual([1, last.id]);
    expect([late.told, cast.told]).toEqual([['expired'], ['expired']]);
    expect(ports.meter.counter('mailbox.expired').total).toBe(2);
    expect(ports.meter.counter('casts.dropped').total).toBe(1);
  });

  it('refuses what waits and what comes once it is closed, and keeps no credit', async () => {
    const { clock, bulkhead, admit } = setUp({ concurrency: 1, queue: 1 });
    admit();
    const [waiting, refused] = [admit(), admit()];
    expect(refused.told).toEqual(['overloaded']);
    bulkhead.close();
    expect([waiting.told, refused.told, admit().told]).toEqual([
      ['closed', 'left'],
      ['overloaded', 'left'],
      ['closed', 'left'],
    ]);
    expect(clock.pending).toBe(0);
  });
});

describe('what a bulkhead tells whom it refuses', () => {
  const retryAfterOf = ({ refusal }: TestIncoming): unknown =>
    (refusal?.details as { readonly retryAfterMs?: number }).retryAfterMs;

  it('is how long what waits will take, from how fast the queue has moved', async () => {
    const { clock, admit } = setUp({ concurrency: 4, queue: 100 }, 20);
    for (let i = 0; i < 104; i += 1) admit();
    expect(retryAfterOf(admit())).toBeUndefined();
    await clock.advance(100);
    for (let i = 0; i < 20; i += 1) admit();
    // 100 wait, 4 at once take 20 ms.
    expect(retryAfterOf(admit())).toBe(500);
  });

  it('grows where nothing moves any more', async () => {
    const { clock, admit } = setUp({ concurrency: 1, queue: 10 }, 10);
    for (let i = 0; i < 11; i += 1) admit();
    await clock.advance(20);
    admit();
    admit();
    expect(retryAfterOf(admit())).toBe(100);
    const stuck = setUp({ concurrency: 1, queue: 10 });
    for (let i = 0; i < 11; i += 1) stuck.admit();
    await stuck.clock.advance(10);
    stuck.finishOne();
    stuck.admit();
    expect(retryAfterOf(stuck.admit())).toBe(100);
    await stuck.clock.advance(2_000);
    stuck.admit();
    await stuck.clock.advance(5_000);
    expect(retryAfterOf(stuck.admit())).toBe(50_000);
  });
});

describe('the credit of what a bulkhead refuses', () => {
  const leftOf = (requests: readonly TestIncoming[]): number => requests.filter(({ told }) => told.includes('left')).length;

  it('goes back as there is room, or after a while', async () => {
    const { clock, admit, finishOne } = setUp({ concurrency: 1, queue: 8 });
    for (let i = 0; i < 9; i += 1) admit();
    const refused = Array.from({ length: 20 }, () => admit());
    expect(refused.every(({ isSettled }) => isSettled)).toBe(true);
    expect(leftOf(refused)).toBe(0);
    finishOne();
    finishOne();
    expect(leftOf(refused)).toBe(2);
    await clock.advance(limits.creditHoldMs - 1);
    expect(leftOf(refused)).toBe(2);
    await clock.advance(2);
    expect(leftOf(refused)).toBe(20);
    expect(clock.pending).toBe(0);
  });

  it('goes back faster where the queue is about to run dry', () => {
    const { admit, finishOne } = setUp({ concurrency: 1, queue: 8 });
    for (let i = 0; i < 9; i += 1) admit();
    const refused = Array.from({ length: 20 }, () => admit());
    for (let i = 0; i < 6; i += 1) finishOne();
    expect(leftOf(refused)).toBe(6);
    finishOne();
    expect(leftOf(refused)).toBe(8);
  });

  it('is not kept beyond a bound', () => {
    const { admit } = setUp({ concurrency: 1, queue: 0 });
    admit();
    const refused = Array.from({ length: limits.creditHeldMax + 5 }, () => admit());
    expect(leftOf(refused)).toBe(5);
  });
});

describe('a bulkhead of 8 at once, before a method that takes 5 ms', () => {
  /** Latencies of two callers that ask one by one, over a second, beside one who has so many requests outstanding at all times. */
  const latencies = async (outstanding: number) => {
    const { clock, bulkhead, started } = setUp({ concurrency: 8, queue: limits.queue }, 5);
    let ids = 0;
    let refusals = 0;
    let isOver = false;
    const flood = (): void => {
      if (isOver) return;
      const request = new TestIncoming((ids += 1), 'flood', Kind.call, 60_000, clock.now());
      let isBack = false;
      // A wire takes a while; the next request needs the credit of this one.
      request.leave = () => {
        if (isBack) return;
        isBack = true;
        clock.schedule(flood, 0.1);
      };
      bulkhead.admit(request);
      if (request.refusal) refusals += 1;
    };
    const taken: number[] = [];
    const ask = (caller: string): void => {
      const began = clock.now();
      const request = new TestIncoming((ids += 1), caller, Kind.call, 60_000, began);
      request.reply = () => {
        taken.push(clock.now() - began);
        clock.schedule(() => ask(caller), 0.1);
      };
      request.refuse = () => {
        throw new Error(`${caller} was refused`);
      };
      if (!isOver) bulkhead.admit(request);
    };
    for (let i = 0; i < outstanding; i += 1) flood();
    clock.schedule(() => ask('a'), 0.3);
    clock.schedule(() => ask('b'), 1.7);
    await clock.advance(1_000);
    isOver = true;
    return { worst: Math.max(...taken), asked: taken.length, started: started.length, refusals };
  };

  it('keeps who asks one by one within twice the time that it takes without a flood of 10,000, and does all the work it can', async () => {
    const alone = await latencies(0);
    const flooded = await latencies(10_000);
    expect(alone.worst).toBeCloseTo(5, 5);
    expect(flooded.worst / alone.worst).toBeLessThanOrEqual(2);
    expect(flooded.asked).toBeGreaterThanOrEqual(190);
    expect(flooded.started).toBeGreaterThan(1_590);
    // Without the credit that is held back, the flood would come again every 0.1 ms.
    expect(flooded.refusals).toBeLessThan(110_000);
  });
});
