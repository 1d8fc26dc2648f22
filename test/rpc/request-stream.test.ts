import { map, mergeMap, of, tap, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { type ErrorRecord, Kind } from '../../lib/core/envelope.js';
import { SkeinError } from '../../lib/core/errors.js';
import { call, contract, mergeBounded, requests, type WholeStream } from '../../lib/index.js';
import { Incoming } from '../../lib/ports/transport.js';
import { Service } from '../../lib/rpc/service.js';
import { rpcPorts } from './rpc-world.js';

const Count = contract('count', '1', { next: call<number, number>() });
const name = { exchange: 'default', topic: 'count', server: 'a', namespace: '', version: '1', method: 'next' };
const backlog = 100_000;

const setUp = (handle: WholeStream<number, number>) => {
  const clock = new VirtualClock({ epochMs: 0 });
  const ports = rpcPorts(clock);
  const replies: unknown[] = [];
  const refused: string[] = [];
  class TestIncoming extends Incoming {
    constructor(id: number) {
      super(
        { kind: Kind.call, id, method: 0, ttlMs: 60_000, payload: id, bytes: 0, meta: undefined },
        name,
        { id: 'c', node: 'c', address: '' },
        60_000,
      );
    }
    override leave(): void {
      // Its credit is no one's here.
    }
    override reply(payload: unknown): void {
      this.isSettled = true;
      replies.push(payload);
    }
    override done(): void {
      throw new Error('it is no cast');
    }
    override working(): void {
      throw new Error('it is no stream');
    }
    override get way(): never {
      throw new Error('it is no stream');
    }
    override fail({ message }: ErrorRecord): void {
      refused.push(message);
    }
    override refuse({ code }: ErrorRecord): void {
      refused.push(code);
    }
    override expire(): void {
      refused.push('expired');
    }
  }
  const admit = (service: Service, count = backlog): void => {
    const desk = service.find(name);
    if (desk instanceof SkeinError) throw desk;
    for (let id = 0; id < count; id += 1) desk.admit(new TestIncoming(id));
  };
  const serve = (concurrency: number): Service =>
    new Service(
      Count,
      { next: requests(handle) },
      { exchange: 'default', server: 'a', labels: {} },
      { next: { concurrency, queue: backlog } },
      ports,
    );
  return { clock, replies, refused, admit, serve };
};

const inOrder = Array.from({ length: backlog }, (_, index) => index);

const ways: readonly (readonly [string, WholeStream<number, number>])[] = [
  ['at once', map((request) => request.reply(request.input))],
  ['by work', mergeMap((request) => request.answer((input) => input))],
  ['by work that takes its turn', mergeBounded(1, (request) => request.answer((input) => of(input)), backlog)],
];

describe('a stream of requests that answers at once', () => {
  it.each(ways)('takes a backlog that waited in its mailbox, %s', async (_how, handle) => {
    const { clock, replies, refused, admit, serve } = setUp(handle);
    const service = serve(8);
    admit(service);
    expect(replies).toEqual([]);
    const running = service.streams.get('next')?.run().subscribe();
    await clock.advance(1);
    expect(replies).toEqual(inOrder);
    expect(refused).toEqual([]);
    running?.unsubscribe();
  });

  it.each(ways)('takes a backlog that waited for the stream itself, %s', async (_how, handle) => {
    const { clock, replies, refused, admit, serve } = setUp(handle);
    const service = serve(backlog);
    admit(service);
    const running = service.streams.get('next')?.run().subscribe();
    await clock.advance(1);
    expect(replies).toEqual(inOrder);
    expect(refused).toEqual([]);
    running?.unsubscribe();
  });

  it('lets each failure of a backlog go its way', async () => {
    const { clock, replies, refused, admit, serve } = setUp(
      mergeMap((request) => request.answer(() => throwError(() => new RangeError(String(request.input))))),
    );
    const service = serve(8);
    const count = 20_000;
    admit(service, count);
    const running = service.streams.get('next')?.run().subscribe();
    await clock.advance(1);
    expect([replies.length, refused.length]).toEqual([0, count]);
    running?.unsubscribe();
  });
});

describe('a stream of requests that has ended for good', () => {
  it('refuses a backlog, and each that comes', async () => {
    const { clock, refused, admit, serve } = setUp(tap(() => undefined) as never);
    const service = serve(8);
    admit(service);
    service.streams.get('next')?.retire();
    await clock.advance(1);
    expect(refused).toHaveLength(backlog);
    expect(new Set(refused)).toEqual(new Set(['closed']));
  });
});
