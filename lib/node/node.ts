import type { Observable } from 'rxjs';
import type { Actor, ActorStatus } from '../actors/actor.js';
import type { Spawn } from '../actors/behavior.js';
import { SkeinError } from '../core/errors.js';
import type { Meter } from '../ports/meter.js';
import type { Peer } from '../ports/transport.js';
import type { Client, Clients } from '../rpc/client.js';
import type { Contract } from '../rpc/contract.js';
import type { Handlers } from '../rpc/handlers.js';
import type { ClientOptions } from '../rpc/options.js';
import type { Undeliverable } from '../rpc/receipt.js';
import type { Served, ServeOptions, Services } from '../rpc/services.js';

/** One running instance. Disposing of it closes it. */
export interface Node extends AsyncDisposable {
  /** This run of it; unique. */
  readonly id: string;
  readonly name: string;
  /** Says all that was configured, and reads as the same. */
  readonly url: string;
  /** The nodes that it has links to, now and after changes. */
  readonly peers$: Observable<readonly Peer[]>;
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
  serve<C extends Contract>(contract: C, handlers: Handlers<C>, options?: ServeOptions): Promise<Served>;
  /** Costs no connection; links open on demand. Throws `invalid-argument` or `invalid-target`. */
  client<C extends Contract>(contract: C, options?: ClientOptions): Client<C>;
  /** At once: servers leave the directory, requests under way end `closed`, what is open is closed, last opened first. Idempotent. */
  close(): Promise<void>;
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
  readonly meter: Meter;
  readonly peers$: Observable<readonly Peer[]>;
  readonly undeliverable$: Observable<Undeliverable>;
  /** Closes all that was opened, last first. */
  readonly close: () => Promise<void>;
}

export class RunningNode implements Node {
  readonly #parts: NodeParts;
  #closing: Promise<void> | undefined;

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
    return this.#parts.meter.read();
  }

  async serve<C extends Contract>(contract: C, handlers: Handlers<C>, options?: ServeOptions): Promise<Served> {
    if (this.#closing) throw new SkeinError('closed', { what: 'the node' });
    return this.#parts.services.serve(contract, handlers, options);
  }

  client<C extends Contract>(contract: C, options?: ClientOptions): Client<C> {
    return this.#parts.clients.make(contract, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#parts.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
