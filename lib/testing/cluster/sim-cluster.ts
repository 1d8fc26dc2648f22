import type { Subscription } from 'rxjs';
import { type DirectoryFigures, MemoryRegistry } from '../../adapters/matchmaker-memory/memory-registry.js';
import { SimWorld, type SimWorldOptions } from '../../adapters/sim/sim-world.js';
import type { Node } from '../../node/node.js';
import { type HostOptions, SimProcess } from './sim-process.js';

/** What is left open that should have been closed, each as a sentence; none is well. */
export type Leftovers = readonly string[];

/** What a simulated cluster has cost so far, and what it holds at present. */
export interface SimFigures {
  /** Events that have happened in virtual time. */
  readonly events: number;
  /** Messages that were sent from host to host, each with all that went out together. */
  readonly messages: number;
  /** Wires that are open, or being opened. */
  readonly wires: number;
  readonly directory: DirectoryFigures;
}

/** Hosts with real nodes on them, in one simulated world, which find each other by one registry. Each host has one node at a time. */
export class SimCluster {
  readonly sim: SimWorld;
  readonly registry = new MemoryRegistry();
  readonly #running = new Map<string, SimProcess>();
  readonly #killed: Node[] = [];
  /** When the entries of paused processes run out. */
  readonly #leases = new Map<SimProcess, Subscription>();
  #starts = 0;
  /** How long an entry may outlive its process at the most, in ms. */
  #leaseMsMax = 0;

  constructor(options: SimWorldOptions) {
    this.sim = new SimWorld(options);
  }

  /** The process that runs on that host. */
  process(host: string): SimProcess | undefined {
    return this.#running.get(host);
  }

  /** Starts a node on a host, which is known from then on; a killed one starts anew. */
  async start(host: string, options: HostOptions = {}): Promise<Node> {
    this.sim.start(host);
    this.#starts += 1;
    const seed = this.#starts * 7_919 + Math.floor(this.sim.random.next() * 2 ** 20);
    const process = await SimProcess.start(this, host, seed, options);
    this.#leaseMsMax = Math.max(this.#leaseMsMax, process.leaseMs);
    this.#running.set(host, process);
    return process.node;
  }

  /** The host's process dies between two instructions: it hears, says and does nothing any more. Its entries live for `leaseMs`, by default its node's. */
  kill(host: string, leaseMs?: number): void {
    const process = this.#running.get(host);
    if (!process) return;
    this.#running.delete(host);
    this.#killed.push(process.node);
    this.sim.kill(host);
    process.die();
    this.#expire(process, leaseMs ?? process.leaseMs);
  }

  /** The host's process has ended by itself, its node being closed. */
  forget(host: string): void {
    this.#running.delete(host);
  }

  /** The host's process stands still. Its entries live for as long as they would if it had died, if it is not resumed before. */
  pause(host: string): void {
    const process = this.#running.get(host);
    if (!process || process.isPaused) return;
    process.pause();
    const lease = this.#expire(process, process.leaseMs);
    this.#leases.set(process, lease);
  }

  resume(host: string): void {
    const process = this.#running.get(host);
    if (!process?.isPaused) return;
    const lease = this.#leases.get(process);
    const hasExpired = lease?.closed === true;
    lease?.unsubscribe();
    this.#leases.delete(process);
    process.resume();
    if (hasExpired) process.matchmaker.relist();
  }

  /** Closes the host's node, as a program that ends well does, and says what it has left when its last turn is over. */
  close(host: string): Promise<Leftovers> {
    return this.#close([host]);
  }

  /** Closes all nodes at once. */
  async closeAll(): Promise<Leftovers> {
    const left = await this.#close([...this.#running.keys()]);
    // What they hold of the real process that all of this runs in.
    await this.settle(Promise.all(this.#killed.splice(0).map((node) => node.close())));
    return left;
  }

  /** Waits for a promise, while time passes. */
  async settle<T>(promise: PromiseLike<T>): Promise<T> {
    return (await this.sim.clock.runUntil(promise)) as T;
  }

  pass(ms: number): Promise<void> {
    return this.sim.clock.advance(ms);
  }

  figures(): SimFigures {
    const { clock, messages } = this.sim;
    const wires = Math.ceil(this.sim.open().wires.length / 2);
    return { events: clock.happened, messages, wires, directory: this.registry.figures };
  }

  now(): number {
    return this.sim.clock.now();
  }

  /** Once all nodes are closed, nothing is left when what was under way is over; this says what is. */
  async rest(): Promise<Leftovers> {
    await this.pass(Math.max(restMs, this.#leaseMsMax));
    const { wires, listeners, events } = this.sim.open();
    return [
      ...wires.map((wire) => `the wire ${wire} is open`),
      ...listeners.map((listener) => `${listener} listens`),
      ...(events === 0 ? [] : [`${String(events)} events are scheduled`]),
    ];
  }

  async #close(hosts: readonly string[]): Promise<Leftovers> {
    const closing = hosts.flatMap((host) => {
      const process = this.#running.get(host);
      this.resume(host);
      this.#running.delete(host);
      return process ? [{ host, process }] : [];
    });
    if (closing.length === 0) return [];
    await this.settle(Promise.all(closing.map(({ process }) => process.node.close())));
    await this.pass(momentMs);
    return closing.flatMap(({ host, process: { clock, matchmaker } }) => [
      ...(clock.pending === 0 ? [] : [`${host} is closed and has ${String(clock.pending)} timers`]),
      ...(matchmaker.open === 0 ? [] : [`${host} is closed and has ${String(matchmaker.open)} subscriptions to the directory`]),
    ]);
  }

  #expire({ node }: SimProcess, leaseMs: number): Subscription {
    return this.sim.clock.schedule(() => {
      this.registry.expire(node.id);
    }, leaseMs);
  }
}

/** What is left of the turn in which a node was closed, and until a drain looks again whether all is done. */
const momentMs = 6;
/** Longer than anything takes that was on its way. */
const restMs = 20_000;
