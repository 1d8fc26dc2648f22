import type { Subscription } from 'rxjs';
import type { Context } from '../core/context.js';
import { Kind, type MethodName } from '../core/envelope.js';
import { writeError } from '../core/error-record.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { Ring } from '../core/ring.js';
import { isCompatible, isVersion, parseVersion, type Version } from '../core/version.js';
import type { Desk, Endpoint, Incoming } from '../ports/transport.js';
import type { Contract, Verb } from './contract.js';
import { type AnyHandler, MethodDesk, type Queue } from './method-desk.js';
import type { RpcPorts } from './rpc-ports.js';
import { jsonSchemaOf } from './schema.js';

/** What a server tells of itself. */
export interface Description {
  readonly contract: string;
  readonly version: Version;
  readonly namespace: string;
  readonly server: string;
  /** The node that it runs on, as others know it. */
  readonly node: string;
  readonly methods: Readonly<Record<string, MethodDescription>>;
}

export interface MethodDescription {
  readonly verb: Verb;
  /** Requests that were started, and those of them that failed. */
  readonly calls: number;
  readonly failures: number;
  /** JSON Schemas, where the contract's schema library can tell them. */
  readonly input?: unknown;
  readonly output?: unknown;
}

export interface ServiceName {
  readonly exchange: string;
  readonly server: string;
  readonly labels: Context;
}

/** How many requests may wait and be at work. */
export interface ServiceBounds {
  readonly mailboxMax: number;
  readonly workingMax: number;
}

/** One server of a contract: its methods, and the mailbox in which requests wait for them. */
export class Service implements Endpoint, Queue {
  readonly exchange: string;
  readonly topic: string;
  readonly server: string;
  readonly version: Version;
  readonly namespace: string;
  readonly labels: Context;
  readonly #contract: Contract;
  readonly #ports: RpcPorts;
  readonly #desks: ReadonlyMap<string, MethodDesk>;
  readonly #waiting: Ring<{ readonly request: Incoming; readonly desk: MethodDesk }>;
  readonly #workingMax: number;
  /** Of those that wait, how many no one wants any more. */
  #deadCount = 0;
  readonly #countDead = (): void => {
    this.#deadCount += 1;
  };
  #working = 0;
  #isStarting = false;
  #nextTurn: Subscription | undefined;
  #isClosed = false;

  constructor(
    contract: Contract,
    handlers: Readonly<Record<string, AnyHandler>>,
    { exchange, server, labels }: ServiceName,
    { mailboxMax, workingMax }: ServiceBounds,
    ports: RpcPorts,
  ) {
    this.exchange = exchange;
    this.topic = contract.name;
    this.server = server;
    this.version = contract.version;
    this.namespace = contract.namespace;
    this.labels = labels;
    this.#contract = contract;
    this.#ports = ports;
    this.#waiting = new Ring(mailboxMax);
    this.#workingMax = workingMax;
    const builtIn: Record<string, AnyHandler> = {
      $ping: () => ({ server }),
      $describe: () => this.describe(),
      $drain: () => {
        ports.drainNode();
        return { node: ports.node };
      },
    };
    const desk = (name: string, handler: AnyHandler) =>
      [name, new MethodDesk(name, contract.methods[name] ?? { input: undefined }, handler, this, ports)] as const;
    this.#desks = new Map([
      ...Object.keys(contract.methods).map((name) => desk(name, handlers[name] as AnyHandler)),
      ...Object.entries(builtIn).map(([name, handler]) => desk(name, handler)),
    ]);
  }

  /** Requests that wait, and the most that may. */
  get mailbox(): { readonly size: number; readonly max: number } {
    return this.#waiting;
  }

  find({ namespace, version, method }: MethodName): Desk | SkeinError {
    if (!this.#serves(namespace, version)) {
      const [wanted, served] = [`${namespace} ${version}`.trim(), `${this.namespace} ${this.version}`.trim()];
      return new SkeinError('unsupported-version', { wanted, served: [served] });
    }
    if (method === '$drain' && !this.#ports.remoteDrain) return new SkeinError('forbidden', { rule: 'remoteDrain=false' });
    return this.#desks.get(method) ?? new SkeinError('no-such-method', { method });
  }

  admit(request: Incoming, desk: MethodDesk): void {
    if (this.#isClosed) request.refuse(writeError(new SkeinError('closed', { what: `server ${this.server}` })));
    else if (this.#working < this.#workingMax && this.#waiting.size === 0) this.#startInTime(request, desk, -Infinity);
    else if (this.#hasRoom()) {
      this.#waiting.push({ request, desk });
      request.onCancel = this.#countDead;
    } else {
      this.#ports.meter.counter('mailbox.full').total += 1;
      request.refuse(writeError(new SkeinError('overloaded', { retryAfterMs: undefined })));
    }
  }

  /** Whether one more may wait; the dead make room when it is needed. */
  #hasRoom(): boolean {
    if (this.#waiting.size < this.#waiting.max) return true;
    if (this.#deadCount === 0) return false;
    this.#waiting.retain(({ request }) => !request.isSettled);
    this.#deadCount = 0;
    return true;
  }

  finish(): void {
    this.#working -= 1;
    if (this.#waiting.size > 0) this.#startWaiting();
  }

  describe(): Description {
    const { name, version, namespace, methods } = this.#contract;
    const { server } = this;
    return { contract: name, version, namespace, server, node: this.#ports.node, methods: this.#describeMethods(methods) };
  }

  /** Refuses what waits and what comes; what was started goes on, and its answers go out for as long as there is a wire. */
  close(): void {
    this.#isClosed = true;
    this.#nextTurn?.unsubscribe();
    const closed = writeError(new SkeinError('closed', { what: `server ${this.server}` }));
    for (const { request, desk } of this.#waiting.drain()) {
      if (!request.isSettled) this.#tellDropped(request, desk, 'its server is closed');
      request.refuse(closed);
    }
  }

  #serves(namespace: string, version: string): boolean {
    return namespace === this.namespace && isVersion(version) && isCompatible(parseVersion(version), parseVersion(this.version));
  }

  #describeMethods(methods: Contract['methods']): Description['methods'] {
    return Object.fromEntries(
      Object.entries(methods).map(([name, { verb, input, output }]) => {
        const { calls = 0, failures = 0 } = this.#desks.get(name) ?? {};
        const [taken, given] = [jsonSchemaOf(input, 'input'), jsonSchemaOf(output, 'output')];
        return [
          name,
          { verb, calls, failures, ...(taken !== undefined && { input: taken }), ...(given !== undefined && { output: given }) },
        ];
      }),
    );
  }

  /** Starts it unless its time is up, at an instant of this turn; those that went before it in the turn may have taken long. */
  #startInTime(request: Incoming, desk: MethodDesk, turnAt: number): void {
    const now = request.ttlMs < limits.shortMs ? this.#ports.clock.now() : turnAt;
    if (request.deadline <= now) {
      this.#expire(request, desk);
      return;
    }
    request.leave();
    this.#working += 1;
    desk.start(request);
  }

  /** A handler that answers at once comes back here: the loop that started it goes on, however long the backlog. */
  #startWaiting(): void {
    if (this.#isStarting || this.#nextTurn) return;
    this.#isStarting = true;
    const now = this.#ports.clock.now();
    for (let left = limits.startsPerTurnMax; left > 0 && this.#working < this.#workingMax; left -= 1) {
      const next = this.#waiting.shift();
      if (!next) break;
      if (next.request.isSettled) {
        this.#deadCount -= 1;
        continue;
      }
      next.request.onCancel = undefined;
      this.#startInTime(next.request, next.desk, now);
    }
    this.#isStarting = false;
    if (this.#waiting.size > 0 && this.#working < this.#workingMax) {
      this.#nextTurn = this.#ports.clock.schedule(() => {
        this.#nextTurn = undefined;
        this.#startWaiting();
      }, 0);
    }
  }

  /** Work whose time ran out while it waited is never started. */
  #expire(request: Incoming, desk: MethodDesk): void {
    this.#ports.meter.counter('mailbox.expired').total += 1;
    this.#tellDropped(request, desk, 'its time was up before its turn came');
    request.expire();
  }

  /** A cast's sender was told that it was accepted, and may hear no more of it. */
  #tellDropped({ kind, caller }: Incoming, { name }: MethodDesk, why: string): void {
    if (kind !== Kind.cast) return;
    this.#ports.meter.counter('casts.dropped').total += 1;
    this.#ports.logger.warn(`an accepted cast of ${this.topic}.${name} was not started: ${why}`, { caller: caller.node });
  }
}
