import type { Backlog } from '../core/backlog.js';
import { type Envelope, Kind } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { IdTable } from '../core/id-table.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import type { Counter } from '../ports/meter.js';
import type { StreamWay } from '../ports/stream-way.js';
import type { Outgoing } from '../ports/transport.js';
import { MethodTable } from './method-table.js';
import { streamBacklogs } from './stream-backlogs.js';

/** The casts of a wire, as it was lost. */
export interface LostCasts {
  /** Those that no accept has counted, in the order in which they were sent. */
  readonly casts: readonly Outgoing[];
  /** Those of them whose senders still wait to be told, in the same order. */
  readonly open: ReadonlySet<Outgoing>;
  /** How many had been counted before them. */
  readonly counted: number;
}

/** What was sent on the present wire and is not answered yet, and what the wire knows of it. */
export class SentRequests {
  readonly #late: Counter;
  readonly #pending = new IdTable<Outgoing>();
  readonly #methods = new MethodTable();
  /** Casts in the order in which they were sent, which is the order in which they are accepted. */
  #unaccepted = new Ring<Outgoing>(limits.outboxMax);
  /** Those of them that were refused, and may be with another server by now. */
  readonly #refused = new Set<Outgoing>();
  #counted = 0;
  /** The run of the peer that this wire leads to. */
  incarnation = '';
  /** Requests sent on this wire, and in all. */
  onWire = 0;
  total = 0;

  readonly #way: StreamWay;

  /** Answers that come too late are counted by `late`; streams go by `way`. */
  constructor(late: Counter, way: StreamWay) {
    this.#late = late;
    this.#way = way;
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
    request.incarnation = this.incarnation;
    this.onWire += 1;
    this.total += 1;
    this.#pending.set(request);
    if (request.kind === Kind.cast) this.#unaccepted.push(request);
    request.stream?.leave(this.#way, now);
    envelopes.push(request);
  }

  /** What its streams keep. */
  get backlogs(): readonly Backlog[] {
    return streamBacklogs(this.#pending.values());
  }

  /** The request that is under way by that id. */
  find(id: number): Outgoing | undefined {
    return this.#pending.get(id);
  }

  /** Takes the request off that an answer is for, if anyone still waits for it. */
  take(id: number, now: number, error?: SkeinError): Outgoing | undefined {
    const request = this.#remove(id);
    request?.holder?.answered(request, now, error);
    return request;
  }

  /** Takes off a request that was refused, if anyone still waits for it: for that attempt, and not for a later one that was sent meanwhile. */
  takeRefused(id: number, attempt: number): Outgoing | undefined {
    if ((this.#pending.get(id)?.meta?.attempt ?? 0) !== attempt) {
      this.#late.total += 1;
      return undefined;
    }
    const request = this.#remove(id);
    if (request?.kind === Kind.cast) this.#refused.add(request);
    return request;
  }

  /** The oldest casts of this wire are admitted, unless they were settled otherwise before; the newest of them has that id. */
  accept(count: number, newest: number, now: number): void {
    if (this.#unaccepted.at(count - 1)?.id !== newest) {
      throw new SkeinError('protocol-error', { reason: 'what was accepted are not the oldest casts that were sent' });
    }
    this.#counted += count;
    for (let left = count; left > 0; left -= 1) {
      const request = this.#unaccepted.shift() as Outgoing;
      if (this.#refused.size > 0 && this.#refused.delete(request)) continue;
      if (this.#pending.get(request.id) !== request) continue;
      request.accept();
      if (request.isSettled) this.take(request.id, now);
    }
  }

  /** Takes off a request that was not sent after all. */
  takeBack(request: Outgoing): void {
    request.wasSent = false;
    this.onWire -= 1;
    this.total -= 1;
    this.#delete(request);
    if (request.kind === Kind.cast) this.#unaccepted.remove(request);
  }

  /** Takes off a request that its sender settled; false if it was not sent. */
  withdraw(request: Outgoing): boolean {
    return this.#delete(request);
  }

  /** Takes all off, for their wire has ended: the casts whose fate the other side may tell, and the rest. */
  clear(): { readonly casts: LostCasts; readonly others: readonly Outgoing[] } {
    const casts = this.#unaccepted.drain();
    const open = new Set<Outgoing>();
    for (const cast of casts) {
      if (!this.#refused.delete(cast) && !cast.isSettled && this.#pending.delete(cast.id)) open.add(cast);
    }
    const lost = { casts: { casts, open, counted: this.#counted }, others: this.#pending.values() };
    this.#pending.clear();
    this.#methods.clear();
    this.#refused.clear();
    this.#counted = 0;
    this.onWire = 0;
    return lost;
  }

  /** Not another attempt by the same id that was sent meanwhile. */
  #delete(request: Outgoing): boolean {
    return this.#pending.get(request.id) === request && this.#pending.delete(request.id);
  }

  #remove(id: number): Outgoing | undefined {
    const request = this.#pending.get(id);
    if (request) this.#pending.delete(id);
    else this.#late.total += 1;
    return request;
  }
}
