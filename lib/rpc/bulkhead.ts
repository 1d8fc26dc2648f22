import type { Subscription } from 'rxjs';
import { type ErrorRecord, Kind } from '../core/envelope.js';
import { writeError } from '../core/error-record.js';
import { SkeinError } from '../core/errors.js';
import { FairQueue } from '../core/fair-queue.js';
import { limits } from '../core/limits.js';
import type { Counter } from '../ports/meter.js';
import type { Incoming } from '../ports/transport.js';
import { HeldCredit } from './held-credit.js';
import type { Queue } from './method-desk.js';
import { Pace } from './pace.js';
import type { RpcPorts } from './rpc-ports.js';

/** How many requests of one method may be at work on one server, and how many may wait for that. */
export interface BulkheadBounds {
  readonly concurrency: number;
  readonly queue: number;
}

/** The method that a bulkhead stands before. */
export interface Guarded {
  readonly server: string;
  readonly topic: string;
  readonly name: string;
  /** Starts the request; {@link Bulkhead.finish} is to be called when it is over. */
  start(request: Incoming): void;
}

/**
 * Keeps one method from taking all that a server has: so many requests at work, so many more waiting, in a queue that is fair between
 * callers, and beyond that `overloaded`. What it holds up are requests of its own method only.
 */
export class Bulkhead implements Queue {
  readonly #method: Guarded;
  readonly #concurrency: number;
  readonly #ports: RpcPorts;
  // A caller was told that its cast is accepted, and would not hear that it is no more.
  readonly #waiting: FairQueue<Incoming>;
  readonly #held: HeldCredit;
  readonly #pace = new Pace();
  readonly #full: Counter;
  /** Of those that wait, how many no one wants any more. */
  #deadCount = 0;
  readonly #countDead = (): void => {
    this.#deadCount += 1;
  };
  #working = 0;
  #isStarting = false;
  #nextTurn: Subscription | undefined;
  #isClosed = false;

  constructor(method: Guarded, { concurrency, queue }: BulkheadBounds, ports: RpcPorts) {
    this.#method = method;
    this.#concurrency = concurrency;
    this.#ports = ports;
    this.#waiting = new FairQueue(queue, ({ kind }) => kind === Kind.cast);
    this.#held = new HeldCredit(ports.clock);
    this.#full = ports.meter.counter('mailbox.full');
  }

  /** Requests that wait, and the most that may. */
  get mailbox(): { readonly size: number; readonly max: number } {
    return this.#waiting;
  }

  /** Requests at work. */
  get working(): number {
    return this.#working;
  }

  /** Whether nothing waits here, and nothing is at work. */
  get isIdle(): boolean {
    return this.#working === 0 && this.#waiting.size === 0;
  }

  /** The requests that wait here and are still wanted. */
  get waiting(): readonly Incoming[] {
    return [...this.#waiting].filter(({ isSettled }) => !isSettled);
  }

  admit(request: Incoming): void {
    if (this.#isClosed) request.refuse(this.#closed());
    else if (this.#working < this.#concurrency && this.#waiting.size === 0) this.#startInTime(request, -Infinity);
    else this.#keep(request);
  }

  finish(): void {
    this.#working -= 1;
    const { size, max } = this.#waiting;
    // One makes room for one; two where the queue may run dry, since credit needs a while to come back as requests.
    if (this.#held.size > 0) this.#held.release(size > max / 4 ? 1 : 2);
    if (size > 0) this.#startWaiting();
  }

  /** Refuses what waits and what comes; what was started goes on, and its answers go out for as long as there is a wire. */
  close(): void {
    this.#isClosed = true;
    this.#nextTurn?.unsubscribe();
    this.#held.close();
    for (const request of this.#waiting.drain()) {
      if (!request.isSettled) this.#tellDropped(request, 'its server is closed');
      request.refuse(this.#closed());
    }
  }

  /** Lets it wait; whoever has to go for it, or it itself, is refused. The dead make room when it is needed. */
  #keep(request: Incoming): void {
    if (this.#waiting.size >= this.#waiting.max && this.#deadCount > 0) {
      this.#waiting.retain(({ isSettled }) => !isSettled);
      this.#deadCount = 0;
    }
    if (this.#waiting.size === 0) this.#pace.begin(this.#ports.clock.now());
    const refused = this.#waiting.offer(request.caller.id, request);
    if (refused !== request) request.onCancel = this.#countDead;
    if (refused) this.#refuse(refused);
  }

  /**
   * Who floods sends the next request as soon as one is refused. So the credit stays here until there is room again, or for a bounded
   * time, and with it what its caller sends.
   */
  #refuse(request: Incoming): void {
    this.#full.total += 1;
    const now = this.#ports.clock.now();
    const retryAfterMs = this.#pace.waitMs(this.#waiting.size, now);
    const { topic, name } = this.#method;
    const error: ErrorRecord = {
      code: 'overloaded',
      message: `more is waiting for ${topic}.${name} than may wait`,
      details: retryAfterMs === undefined ? {} : { retryAfterMs },
    };
    request.onCancel = undefined;
    request.refuse(error, true);
    this.#held.hold(request, now);
  }

  /** Starts it unless its time is up, at an instant of this turn; those that went before it in the turn may have taken long. */
  #startInTime(request: Incoming, turnAt: number): void {
    const now = request.ttlMs < limits.shortMs ? this.#ports.clock.now() : turnAt;
    if (request.deadline <= now) {
      this.#expire(request);
      return;
    }
    request.leave();
    this.#working += 1;
    this.#method.start(request);
  }

  /** A handler that answers at once comes back here: the loop that started it goes on, however long the backlog. */
  #startWaiting(): void {
    if (this.#isStarting || this.#nextTurn) return;
    this.#isStarting = true;
    const now = this.#ports.clock.now();
    try {
      for (let left = limits.startsPerTurnMax; left > 0 && this.#working < this.#concurrency; left -= 1) {
        const request = this.#waiting.shift();
        if (!request) break;
        this.#pace.step();
        if (request.isSettled) {
          this.#deadCount -= 1;
          continue;
        }
        request.onCancel = undefined;
        this.#startInTime(request, now);
      }
    } finally {
      this.#isStarting = false;
    }
    if (this.#waiting.size > 0 && this.#working < this.#concurrency) {
      this.#nextTurn = this.#ports.clock.schedule(() => {
        this.#nextTurn = undefined;
        this.#startWaiting();
      }, 0);
    }
  }

  /** Work whose time ran out while it waited is never started. */
  #expire(request: Incoming): void {
    this.#ports.meter.counter('mailbox.expired').total += 1;
    this.#tellDropped(request, 'its time was up before its turn came');
    request.expire();
  }

  /** A cast's sender was told that it was accepted, and may hear no more of it. */
  #tellDropped({ kind, caller }: Incoming, why: string): void {
    if (kind !== Kind.cast) return;
    const { topic, name } = this.#method;
    this.#ports.meter.counter('casts.dropped').total += 1;
    this.#ports.logger.warn(`an accepted cast of ${topic}.${name} was not started: ${why}`, { caller: caller.node });
  }

  #closed(): ErrorRecord {
    return writeError(new SkeinError('closed', { what: `server ${this.#method.server}` }));
  }
}
