import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { CountingMeter } from '../../lib/adapters/system/counting-meter.js';
import { type Envelope, Kind, type RequestEnvelope } from '../../lib/core/envelope.js';
import { limits } from '../../lib/core/limits.js';
import { DedupeWindow } from '../../lib/mesh/dedupe-window.js';
import { type AnswerDesk, ServedRequest } from '../../lib/mesh/served-request.js';
import { Strands } from '../../lib/mesh/strands.js';
import { named, request } from './mesh-world.js';

/** A link that keeps what it is told. */
class TestDesk implements AnswerDesk {
  readonly answers: Envelope[] = [];
  released = 0;
  hold(): void {
    // Nobody cancels here.
  }
  answer(_request: ServedRequest, envelope: Envelope): void {
    this.answers.push(envelope);
  }
  forget(): void {
    // Nothing was kept.
  }
  release(): void {
    this.released += 1;
  }
  say(): void {
    // Nothing but answers is looked at.
  }
  readonly way = new Strands();
}

interface Coming {
  readonly ttlMs?: number;
  readonly caller?: string;
  readonly kind?: RequestEnvelope['kind'];
}

const setUp = () => {
  const clock = new VirtualClock();
  const meter = new CountingMeter();
  const window = new DedupeWindow(clock, meter);
  const desk = new TestDesk();
  /** Comes by a wire; whether it is to be run. */
  const come = (id: number, attempt = 0, { ttlMs = 60_000, caller = 'a-1', kind = Kind.call }: Coming = {}) => {
    const from = { id: caller, node: 'a', address: 'sim://a' };
    const served = new ServedRequest(request(id, kind), named.name, from, clock.now() + ttlMs, desk);
    return { served, isNew: window.admit(served, attempt) };
  };
  const last = () => desk.answers.at(-1);
  const counted = (name: string) => meter.read().get(name) ?? 0;
  return { clock, window, desk, come, last, counted };
};

const forgotten = { kind: Kind.refuse, error: { code: 'link-lost' } };

describe('what is remembered of requests that may come again', () => {
  it('is the answer, which a repeat gets as well', () => {
    const { come, desk, counted } = setUp();
    const { served, isNew } = come(1);
    served.reply('once', 8);
    expect([isNew, come(1, 1).isNew]).toEqual([true, false]);
    expect(desk.answers).toEqual(Array(2).fill({ kind: Kind.reply, id: 1, payload: 'once', bytes: 8 }));
    expect(counted('repeats.known')).toBe(1);
  });

  it('is that it is at work: a repeat joins it, to be answered once, by the later deadline', () => {
    const { clock, come, desk } = setUp();
    const { served } = come(1, 0, { ttlMs: 100 });
    const again = come(1, 1, { ttlMs: 500 });
    expect([again.isNew, again.served.isSettled, served.deadline]).toEqual([false, true, clock.now() + 500]);
    served.reply('joined', 8);
    expect(desk.answers).toHaveLength(1);
    // One credit for each of the two.
    expect(desk.released).toBe(2);
  });

  it('is the answer for an error too, but not for what was refused before it started', () => {
    const { come, last } = setUp();
    come(1).served.fail({ code: 'remote-error', message: 'it failed' });
    expect(come(1, 1).isNew).toBe(false);
    expect(last()).toMatchObject({ kind: Kind.error, error: { message: 'it failed' } });
    come(2).served.refuse({ code: 'overloaded', message: 'full' });
    expect(come(2, 1).isNew).toBe(true);
  });

  it('is nothing of what was taken back, or ran out of time', () => {
    const { come } = setUp();
    come(1).served.takeBack();
    come(2).served.expire();
    expect([come(1, 1).isNew, come(2, 1).isNew]).toEqual([true, true]);
  });

  it('keeps what was stopped without an answer from ever being run again', () => {
    const { come, window, last, counted } = setUp();
    window.lose(come(1).served);
    expect(come(1, 1).isNew).toBe(false);
    expect(last()).toMatchObject({ id: 1, ...forgotten });
    expect(counted('repeats.forgotten')).toBe(1);
  });

  it('is of each caller by itself, and of each of its runs', () => {
    const { come } = setUp();
    come(1).served.reply('x', 1);
    expect(come(1, 1, { caller: 'a-2' }).isNew).toBe(true);
    expect(come(1, 1, { caller: 'b-1' }).isNew).toBe(true);
  });

  it('is of the newest 65,536; a repeat of an older one is refused, and one that is new and above those is run', () => {
    const { come, window, last } = setUp();
    for (let id = 1; id <= limits.rememberedMax + 10; id += 1) come(id).served.reply(id, 1);
    expect(window.size).toBe(limits.rememberedMax);
    expect(come(10, 1).isNew).toBe(false);
    expect(last()).toMatchObject({ id: 10, ...forgotten });
    expect(come(11, 1).isNew).toBe(false);
    expect(last()).toMatchObject({ kind: Kind.reply, payload: 11 });
    // Refused elsewhere before, it comes here for the first time, and nothing above its id was forgotten.
    expect(come(limits.rememberedMax + 11, 1).isNew).toBe(true);
    // Nothing of another caller was forgotten.
    expect(come(5, 1, { caller: 'b-1' }).isNew).toBe(true);
  });

  it('weighs no more than 16 MiB of replies', () => {
    const { come, window, last } = setUp();
    const third = limits.rememberedBytesMax / 3 + 1;
    for (const id of [1, 2, 3]) come(id).served.reply(`reply ${String(id)}`, third);
    expect(window.size).toBe(2);
    expect(come(1, 1).isNew).toBe(false);
    expect(last()).toMatchObject({ id: 1, ...forgotten });
    expect(come(2, 1).isNew).toBe(false);
    expect(last()).toMatchObject({ payload: 'reply 2' });
  });

  it('is of a reply that is too much to keep only that there was one', () => {
    const { come, window, last } = setUp();
    come(1).served.reply('small', 8);
    come(2).served.reply('huge', limits.rememberedBytesMax + 1);
    expect(window.size).toBe(2);
    expect(come(2, 1).isNew).toBe(false);
    expect(last()).toMatchObject({ id: 2, ...forgotten });
    expect(come(1, 1).isNew).toBe(false);
    expect(last()).toMatchObject({ payload: 'small' });
  });

  it('gives its bytes back as its time is up', async () => {
    const { clock, come, window } = setUp();
    const half = limits.rememberedBytesMax / 2;
    for (const id of [1, 2]) come(id, 0, { ttlMs: 100 }).served.reply('x', half);
    await clock.advance(100);
    window.sweep();
    expect(window.size).toBe(0);
    for (const id of [3, 4]) come(id).served.reply('x', half);
    expect(window.size).toBe(2);
  });

  it('goes once its time is up, but for what is still at work', async () => {
    const { clock, come, window } = setUp();
    come(1, 0, { ttlMs: 100 }).served.reply('x', 1);
    come(2, 0, { ttlMs: 100 });
    come(3, 0, { ttlMs: 200 }).served.reply('x', 1);
    await clock.advance(99);
    window.sweep();
    expect(window.size).toBe(3);
    await clock.advance(1);
    window.sweep();
    expect(window.size).toBe(2);
    expect(come(1, 1).isNew).toBe(true);
  });

  it('forgets what it has forgotten once that can matter no more', async () => {
    const { clock, come, window } = setUp();
    for (let id = 1; id <= limits.rememberedMax + 1; id += 1) come(id, 0, { ttlMs: 100 }).served.reply(id, 1);
    expect(come(1, 1).isNew).toBe(false);
    await clock.advance(100);
    window.sweep();
    expect(window.size).toBe(0);
    expect(come(1, 1).isNew).toBe(true);
  });

  it('answers a cast that has been done with nothing, unless its sender waits for that', () => {
    const { come, desk } = setUp();
    const { served } = come(1, 0, { kind: Kind.cast });
    served.done();
    expect(come(1, 1, { kind: Kind.cast }).isNew).toBe(false);
    expect(desk.answers).toEqual([]);
  });
});
