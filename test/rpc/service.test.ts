import { AsyncLocalStorage } from 'node:async_hooks';
import { NEVER, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { CountingMeter } from '../../lib/adapters/system/counting-meter.js';
import { type ErrorRecord, Kind } from '../../lib/core/envelope.js';
import { SkeinError } from '../../lib/core/errors.js';
import { call, contract } from '../../lib/index.js';
import { DeadlineWheel } from '../../lib/operators/deadline-wheel.js';
import { Incoming, type Transport } from '../../lib/ports/transport.js';
import type { RpcPorts } from '../../lib/rpc/rpc-ports.js';
import { Service } from '../../lib/rpc/service.js';
import { RecordingLogger } from '../recording-logger.js';

const Hold = contract('hold', '1', { hold: call() });
const name = { exchange: 'default', topic: 'hold', server: 'a', namespace: '', version: '1', method: 'hold' };

/** A call that notes what became of it. */
class TestIncoming extends Incoming {
  readonly told: string[] = [];

  constructor(id: number) {
    const payload = `payload ${String(id)}`;
    super(
      { kind: Kind.call, id, method: 0, ttlMs: 60_000, payload, bytes: 0, meta: undefined },
      { id: 'c', node: 'c', address: '' },
      60_000,
    );
  }

  override leave(): void {
    this.told.push('left');
  }

  override reply(): void {
    this.told.push('replied');
  }

  override done(): void {
    throw new Error('it is no cast');
  }

  override fail(): void {
    this.told.push('failed');
  }

  override refuse({ code }: ErrorRecord): void {
    this.told.push(code);
  }

  override expire(): void {
    this.told.push('expired');
  }
}

const setUp = () => {
  const clock = new VirtualClock({ epochMs: 0 });
  const ports: RpcPorts = {
    transport: undefined as unknown as Transport,
    clock,
    codec: new MsgpackrCodec(),
    logger: new RecordingLogger(),
    meter: new CountingMeter(),
    wheel: new DeadlineWheel(clock, 5),
    ambient: new AsyncLocalStorage(),
    undeliverable$: new Subject(),
    nextId: () => 0,
    timeoutMs: 60_000,
    sendStacks: false,
    node: 'a',
    drainNode: () => undefined,
    remoteDrain: true,
  };
  const bounds = { mailboxMax: 3, workingMax: 1 };
  const service = new Service(Hold, { hold: () => NEVER }, { exchange: 'default', server: 'a', labels: {} }, bounds, ports);
  const desk = service.find(name);
  if (desk instanceof SkeinError) throw desk;
  let ids = 0;
  const admit = (): TestIncoming => {
    const request = new TestIncoming((ids += 1));
    desk.admit(request);
    return request;
  };
  return { service, admit };
};

describe('the mailbox of a service', () => {
  it('gives the places of cancelled requests to others, and keeps nothing of them', () => {
    const { service, admit } = setUp();
    admit();
    const waiting = [admit(), admit(), admit()];
    expect(admit().told).toEqual(['overloaded']);
    for (const request of waiting.slice(1)) request.cancel(new SkeinError('cancelled', { reason: 'unwanted' }));
    expect(waiting.map(({ payload }) => payload)).toEqual(['payload 2', undefined, undefined]);
    expect([admit(), admit()].map(({ told }) => told)).toEqual([[], []]);
    expect(service.mailbox.size).toBe(3);
    expect(admit().told).toEqual(['overloaded']);
  });
});
