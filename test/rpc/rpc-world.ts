import { Subject } from 'rxjs';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import type { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { CountingMeter } from '../../lib/adapters/system/counting-meter.js';
import { type ErrorRecord, Kind } from '../../lib/core/envelope.js';
import { DeadlineWheel } from '../../lib/operators/deadline-wheel.js';
import { Incoming, type Transport } from '../../lib/ports/transport.js';
import { Ambient } from '../../lib/rpc/ambient.js';
import type { RpcPorts } from '../../lib/rpc/rpc-ports.js';
import { RecordingLogger } from '../recording-logger.js';

/** What a service needs, without a transport. */
export const rpcPorts = (clock: VirtualClock): RpcPorts => ({
  transport: undefined as unknown as Transport,
  clock,
  random: new SeededRandom(1),
  codec: new MsgpackrCodec(),
  logger: new RecordingLogger(),
  meter: new CountingMeter(),
  wheel: new DeadlineWheel(clock, 5),
  ambient: new Ambient(),
  interceptors: { client: [], server: [] },
  passing: new Set(),
  undeliverable$: new Subject(),
  nextId: () => 0,
  life: { state: 'open' },
  timeoutMs: 60_000,
  sendStacks: false,
  node: 'a',
  drainNode: () => new Promise<never>(() => undefined),
  remoteDrain: true,
});

const target = { exchange: 'default', topic: 'hold', server: 'a', namespace: '', version: '1', method: 'hold' };

/** A request that notes what became of it. */
export class TestIncoming extends Incoming {
  readonly told: string[] = [];
  refusal: ErrorRecord | undefined;

  constructor(id: number, caller = 'c', kind: Incoming['kind'] = Kind.call, ttlMs = 60_000, now = 0) {
    const payload = `payload ${String(id)}`;
    super(
      { kind, id, method: 0, ttlMs, payload, bytes: 0, meta: undefined },
      target,
      { id: caller, node: caller, address: '' },
      now + ttlMs,
    );
  }

  override leave(): void {
    if (!this.told.includes('left')) this.told.push('left');
  }

  override reply(): void {
    this.#settle('replied');
  }

  override done(): void {
    this.#settle('done');
  }

  override fail(): void {
    this.#settle('failed');
  }

  override working(): void {
    this.told.push('working');
  }

  override get way(): never {
    throw new Error('it is no stream');
  }

  override refuse(error: ErrorRecord, keepsCredit = false): void {
    this.refusal = error;
    this.#settle(error.code);
    if (!keepsCredit) this.leave();
  }

  override expire(): void {
    this.#settle('expired');
  }

  #settle(how: string): void {
    this.isSettled = true;
    this.told.push(how);
  }
}
