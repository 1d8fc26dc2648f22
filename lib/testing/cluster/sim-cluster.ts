import type { Subscription } from 'rxjs';
import { MemoryRegistry } from '../../adapters/matchmaker-memory/memory-registry.js';
import { SimWorld, type SimWorldOptions } from '../../adapters/sim/sim-world.js';
import type { Node } from '../../node/node.js';
import { type HostOptions, SimProcess } from './sim-process.js';

/** What is left open that should have been closed, each as a sentence; none is well. */
export type Leftovers = readonly string[];

/** Hosts with real nodes on them, in one simulated world, which find each other by one registry. Each host has one node at a time. */
export class SimCluster {
  readonly sim: SimWorld;
  readonly registry = new MemoryRegistry();
  readonly #running = new Map<string, SimProcess>();
  readonly #killed: Node[] = [];
  /** When the entries of paused processes run out. */
  readonly #leases = new Map<SimProcess, Subscription>();
  #starts = 0;

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
    this.#running.set(host, process);
    return process.node;
  }

  /** The host's process dies between two instructions: it hears, says and does nothing any more. Its entries live for `leaseMs`. */
  kill(host: string, leaseMs = 10_000): void {
    const process = this.#running.get(host);
    if (!process) return;
    this.#running.delete(host);
    this.#killed.push(process.node);
    this.sim.kill(host);
    process.die();
    this.#expire(process, leaseMs);
  }

  /** The host's process has ended by itself, its node being closed. */
  forget(host: string): void {
    this.#running.delete(host);
  }

  /** The host's process stands still. Its entries live for `leaseMs`, if it is not resumed before. */
  pause(host: string, leaseMs = 10_000): void {
    const process = this.#running.get(host);
    if (!process || process.isPaused) return;
    process.pause();
    const lease = this.#expire(process, leaseMs);
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
  async close(host: string): Promise<Leftovers> {
    const process = this.#running.get(host);
    if (!process) return [];
    this.resume(host);
    this.#running.delete(host);
    const { node, clock, matchmaker } = process;
    await this.settle(node.close());
    await this.pass(momentMs);
    return [
      ...(clock.pending === 0 ? [] : [`${host} is closed and has ${String(clock.pending)} timers`]),
      ...(matchmaker.open === 0 ? [] : [`${host} is closed and has ${String(matchmaker.open)} subscriptions to the directory`]),
    ];
  }

  async closeAll(): Promise<Leftovers> {
    const left: string[] = [];
    for (const host of [...this.#running.keys()]) left.push(...(await this.close(host)));
    // What they hold of the real process that all of this runs in.
    for (const node of this.#killed.splice(0)) await this.settle(node.close());
    return left;
  }

  /** Waits for a promise, while time passes. */
  async settle<T>(promise: PromiseLike<T>): Promise<T> {
    return (await this.sim.clock.runUntil(promise)) as T;
  }

  pass(ms: number): Promise<void> {
    return this.sim.clock.advance(ms);
  }

  now(): number {
    return this.sim.clock.now();
  }

  /** Once all nodes are closed, nothing is left when what was under way is over; this says what is. */
  async rest(): Promise<Leftovers> {
    await this.pass(restMs);
    const { wires, listeners, events } = this.sim.open();
    return [
      ...wires.map((wire) => `the wire ${wire} is open`),
      ...listeners.map((listener) => `${listener} listens`),
      ...(events === 0 ? [] : [`${String(events)} events are scheduled`]),
    ];
  }

  #expire({ node }: SimProcess, leaseMs: number): Subscription {
    return this.sim.clock.schedule(() => {
      this.registry.expire(node.id);
    }, leaseMs);
  }
}

/** What is left of the turn in which a node was closed, and until a drain looks again whether all is done. */
const momentMs = 6;
/** Longer than anything takes that was on its way, and than any lease. */
const restMs = 20_000;
