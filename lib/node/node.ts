import { firstValueFrom, type Observable, ReplaySubject, Subject, takeUntil } from 'rxjs';
import type { Actor, ActorStatus } from '../actors/actor.js';
import type { Spawn } from '../actors/behavior.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { pollUntil } from '../operators/poll-until.js';
import type { Registration } from '../ports/matchmaker.js';
import type { Peer } from '../ports/transport.js';
import type { Client, Clients } from '../rpc/client.js';
import type { Contract } from '../rpc/contract.js';
import type { Handlers } from '../rpc/handlers.js';
import type { ClientOptions } from '../rpc/options.js';
import type { Undeliverable } from '../rpc/receipt.js';
import { checkDrain, type Draining, type DrainOptions, finish, isUnderWay, lookMs, unsettled } from '../rpc/drain.js';
import type { DrainReport } from '../rpc/drain-report.js';
import type { RpcPorts } from '../rpc/rpc-ports.js';
import type { Served, ServeOptions, Services } from '../rpc/services.js';

/**
 * One running instance. Disposing of it drains, then closes it. To close it is to end all at once: servers leave the directory, requests
 * under way end `closed`, what is open is closed, last opened first.
 */
export interface Node extends Draining {
  /** This run of it; unique. */
  readonly id: string;
  readonly name: string;
  /** Says all that was configured, and reads as the same. */
  readonly url: string;
  /** The nodes that it has links to, now and after changes. */
  readonly peers$: Observable<readonly Peer[]>;
  /** The servers that its directory lists, of all topics, now and after changes; kept while the directory fails. */
  readonly servers$: Observable<readonly Registration[]>;
  /** All its actors with their states, now and after changes. */
  readonly tree$: Observable<ActorStatus>;
  /** Casts that failed while no one watched their receipts. */
  readonly undeliverable$: Observable<Undeliverable>;
  /**
   * Starts an actor in this node's tree, below `user`. Throws `invalid-argument`, `closed`, or `overloaded` beyond 65,536 actors. The
   * node's closing begins with these actors, last spawned first.
   */
  readonly spawn: Spawn;
  /** What has been counted so far, by name: every end of a request, and every time that a bound was met. */
  counters(): ReadonlyMap<string, number>;
  /** Resolves once the directory lists the server, whose name defaults to the node's. */
  serve<C extends Contract>(contract: C, handlers: Handlers<C>, options?: ServeOptions<C>): Promise<Served>;
  /** Costs no connection; links open on demand. Throws `invalid-argument` or `invalid-target`. */
  client<C extends Contract>(contract: C, options?: ClientOptions): Client<C>;
}

/** What a node is put together from. */
export interface NodeParts {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly root: Actor;
  readonly spawn: Spawn;
  readonly clients: Clients;
  readonly services: Services;
  readonly rpc: RpcPorts;
  readonly peers$: Observable<readonly Peer[]>;
  readonly servers$: Observable<readonly Registration[]>;
  readonly undeliverable$: Observable<Undeliverable>;
  /** Closes all that was opened, last first. */
  readonly close: () => Promise<void>;
}

export class RunningNode implements Node {
  readonly #parts: NodeParts;
  #closing: Promise<void> | undefined;
  #draining: Promise<DrainReport> | undefined;
  readonly #closed$ = new Subject<void>();
  readonly #report$ = new ReplaySubject<DrainReport>(1);

  constructor(parts: NodeParts) {
    this.#parts = parts;
  }

  get id(): string {
    return this.#parts.id;
  }

  get name(): string {
    return this.#parts.name;
  }

  get url(): string {
    return this.#parts.url;
  }

  get peers$(): Observable<readonly Peer[]> {
    return this.#parts.peers$;
  }

  get servers$(): Observable<readonly Registration[]> {
    return this.#parts.servers$;
  }

  get tree$(): Observable<ActorStatus> {
    return this.#parts.root.status$;
  }

  get spawn(): Spawn {
    return this.#parts.spawn;
  }

  get undeliverable$(): Observable<Undeliverable> {
    return this.#parts.undeliverable$;
  }

  counters(): ReadonlyMap<string, number> {
    return this.#parts.rpc.meter.read();
  }

  async serve<C extends Contract>(contract: C, handlers: Handlers<C>, options?: ServeOptions<C>): Promise<Served> {
    if (this.#parts.rpc.life.state !== 'open') throw new SkeinError('closed', { what: 'the node' });
    return this.#parts.services.serve(contract, handlers, options);
  }

  client<C extends Contract>(contract: C, options?: ClientOptions): Client<C> {
    return this.#parts.clients.make(contract, options);
  }

  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    checkDrain(options);
    return (this.#draining ??= this.#leave(options));
  }

  /** What its drain says, before it closes, so that it can still be told to who asked from elsewhere. */
  get report(): Promise<DrainReport> {
    return firstValueFrom(this.#report$, { defaultValue: { unfinished: [] } });
  }

  close(): Promise<void> {
    this.#parts.rpc.life.state = 'closed';
    this.#closed$.next();
    this.#closing ??= this.#parts.close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  async #leave(options: DrainOptions): Promise<DrainReport> {
    const { rpc, services } = this.#parts;
    if (rpc.life.state === 'open') rpc.life.state = 'draining';
    services.retire();
    const startedAt = rpc.clock.now();
    const isDone = (): boolean =>
      rpc.life.state === 'closed' || (services.windUp() && !isUnderWay(rpc) && rpc.transport.isFlushed);
    const unfinished = (): readonly string[] => {
      const named = [...services.unfinished(), ...unsettled(rpc)];
      return named.length > 0 ? named : ['what was said to peers that do not read it'];
    };
    const report = await finish(isDone, unfinished, options, rpc, this.#closed$);
    this.#report$.next(report);
    if (services.isAsked) await this.#pollUntil(() => !services.isAsked && rpc.transport.isFlushed, limits.goodbyeMs);
    const { timeoutMs = limits.drainMs } = options;
    const leftMs = startedAt + timeoutMs - rpc.clock.now();
    const isWell = report.unfinished.length === 0 && rpc.life.state !== 'closed';
    if (isWell && leftMs > 0) await this.#sayGoodbye(Math.min(leftMs, limits.goodbyeMs));
    await this.close();
    return report;
  }

  /** Who has heard it knows that what is not answered was not started, and has all answers. */
  async #sayGoodbye(withinMs: number): Promise<void> {
    const { transport } = this.#parts.rpc;
    transport.leave();
    await this.#pollUntil(() => transport.hasLeft, withinMs);
  }

  /** Unless it is closed meanwhile. */
  async #pollUntil(isSo: () => boolean, withinMs: number): Promise<void> {
    const so$ = pollUntil(isSo, { everyMs: lookMs, withinMs, clock: this.#parts.rpc.clock });
    await firstValueFrom(so$.pipe(takeUntil(this.#closed$)), { defaultValue: false });
  }
}
