import { type Envelope, Kind } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import type { Counter } from '../ports/meter.js';
import type { Outgoing } from '../ports/transport.js';
import { MethodTable } from './method-table.js';

/** What was sent on the present wire and is not answered yet, and what the wire knows of it. */
export class SentRequests {
  readonly #late: Counter;
  readonly #pending = new Map<number, Outgoing>();
  readonly #methods = new MethodTable();
  /** Casts in the order in which they were sent, which is the order in which they are accepted. */
  #unaccepted = new Ring<Outgoing>(limits.outboxMax);
  /** Requests sent on this wire, and in all. */
  onWire = 0;
  total = 0;

  /** Answers that come too late are counted by `late`. */
  constructor(late: Counter) {
    this.#late = late;
  }

  /** Requests that are not answered yet. */
  get size(): number {
    return this.#pending.size;
  }

  /** Adds the request as it is sent at this instant (epoch ms), behind the name of its method if that is new to the wire. */
  add(request: Outgoing, now: number, envelopes: Envelope[]): void {
    let index = this.#methods.find(request.server, request.operation);
    if (index === undefined) {
      const named = this.#methods.name(request.server, request.operation);
      envelopes.push(named);
      index = named.index;
    }
    request.method = index;
    request.ttlMs = Math.ceil(request.deadline - now);
    request.sentAt = now;
    request.wasSent = true;
    this.onWire += 1;
    this.total += 1;
    this.#pending.set(request.id, request);
    if (request.kind === Kind.cast) this.#unaccepted.push(request);
    envelopes.push(request);
  }

  /** Takes the request off that an answer is for, if anyone still waits for it. */
  take(id: number, now: number, error?: SkeinError): Outgoing | undefined {
    const request = this.#pending.get(id);
    if (!request) {
      this.#late.total += 1;
      return undefined;
    }
    this.#pending.delete(id);
    request.holder?.answered(request, now, error);
    return request;
  }

  /** The oldest casts of this wire are admitted, unless they were settled otherwise before. */
  accept(count: number, now: number): void {
    for (let left = count; left > 0; left -= 1) {
      const request = this.#unaccepted.shift();
      if (!request) throw new SkeinError('protocol-error', { reason: 'more casts were accepted than were sent' });
      if (request.isSettled) continue;
      request.accept();
      if (request.isSettled) this.take(request.id, now);
    }
  }

  /** Takes off a request that was not sent after all. */
  takeBack(request: Outgoing): void {
    request.wasSent = false;
    this.onWire -= 1;
    this.total -= 1;
    this.#pending.delete(request.id);
    if (request.kind === Kind.cast) this.#unaccepted.retain((cast) => cast !== request);
  }

  /** Takes off a request that its sender settled; false if it was not sent. */
  withdraw(request: Outgoing): boolean {
    return this.#pending.delete(request.id);
  }

  /** Takes all off, for their wire has ended. */
  clear(): readonly Outgoing[] {
    const requests = [...this.#pending.values()];
    this.#pending.clear();
    this.#methods.clear();
    this.#unaccepted = new Ring<Outgoing>(limits.outboxMax);
    this.onWire = 0;
    return requests;
  }
}
