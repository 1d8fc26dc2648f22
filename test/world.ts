import { defer, delay, filter, finalize, type Observable, type SchedulerAction, Subscription } from 'rxjs';
import { MemoryMatchmaker } from '../lib/adapters/matchmaker-memory/memory-matchmaker.js';
import { MemoryRegistry } from '../lib/adapters/matchmaker-memory/memory-registry.js';
import { SeededRandom } from '../lib/adapters/sim/seeded-random.js';
import { SimWorld, type SimWorldOptions } from '../lib/adapters/sim/sim-world.js';
import {
  Clock,
  createNode,
  Ids,
  Matchmaker,
  Network,
  type Node,
  type NodeOptions,
  override,
  Random,
  type Registration,
} from '../lib/index.js';

/** The simulated world's time as one process sees it: set wrong by `skewMs`, and standing still for ever once the process is dead. */
class HostClock extends Clock {
  readonly #world: Clock;
  readonly #skewMs: number;
  readonly #due = new Set<Subscription>();
  #isDead = false;

  constructor(world: Clock, skewMs: number) {
    super();
    this.#world = world;
    this.#skewMs = skewMs;
  }

  /** What is scheduled and has neither happened nor been taken back. */
  get pending(): number {
    return this.#due.size;
  }

  override now(): number {
    return this.#world.now() + this.#skewMs;
  }

  override schedule<T>(work: (this: SchedulerAction<T>, state: T) => void, delayMs = 0, state?: T): Subscription {
    if (this.#isDead) return new Subscription();
    const action = this.#world.schedule(work as (this: SchedulerAction<T>, state?: T) => void, delayMs, state);
    this.#due.add(action);
    action.add(() => this.#due.delete(action));
    return action;
  }

  die(): void {
    this.#isDead = true;
    for (const action of [...this.#due]) action.unsubscribe();
  }
}

/** A directory as one process sees it: told of changes after `lateMs`, and of nothing once the process is dead. */
class HostMatchmaker extends Matchmaker {
  readonly #inner: Matchmaker;
  readonly #clock: HostClock;
  readonly #lateMs: number;
  #isDead = false;
  /** Registrations and watches that nobody has let go. */
  open = 0;

  constructor(registry: MemoryRegistry, clock: HostClock, lateMs: number) {
    super();
    this.#inner = new MemoryMatchmaker(registry);
    this.#clock = clock;
    this.#lateMs = lateMs;
  }

  override register(registration: Registration): Observable<'registered'> {
    return this.#counted(this.#inner.register(registration));
  }

  override watch(topic: Parameters<Matchmaker['watch']>[0]): Observable<readonly Registration[]> {
    const told$ = this.#inner.watch(topic);
    return this.#counted(this.#lateMs === 0 ? told$ : told$.pipe(delay(this.#lateMs, this.#clock)));
  }

  override watchAll(): Observable<readonly Registration[]> {
    const told$ = this.#inner.watchAll();
    return this.#counted(this.#lateMs === 0 ? told$ : told$.pipe(delay(this.#lateMs, this.#clock)));
  }

  die(): void {
    this.#isDead = true;
  }

  #counted<T>(source$: Observable<T>): Observable<T> {
    return defer(() => {
      this.open += 1;
      return source$.pipe(
        filter(() => !this.#isDead),
        finalize(() => {
          this.open -= 1;
        }),
      );
    });
  }
}

export interface HostOptions extends Omit<NodeOptions, 'url' | 'name'> {
  /** By how much the host's clock is wrong; 0 by default. */
  readonly skewMs?: number;
  /** How late it hears of changes in the directory; 0 by default. */
  readonly directoryMs?: number;
  /** Stands between the node and its network, to look on. */
  readonly spy?: (network: Network, clock: Clock) => Network;
}

/** One process on a host. */
interface Process {
  readonly node: Node;
  readonly clock: HostClock;
  readonly matchmaker: HostMatchmaker;
}

/** What nodes that should have closed have left open, each as a sentence; none is well. */
export type Leftovers = readonly string[];

/** Hosts with real nodes on them, in one simulated world, who find each other by one registry. Each host has one node at a time. */
export class World {
  readonly sim: SimWorld;
  readonly registry = new MemoryRegistry();
  readonly #running = new Map<string, Process>();
  readonly #killed: Node[] = [];
  #starts = 0;

  constructor(options: SimWorldOptions) {
    this.sim = new SimWorld(options);
  }

  /** Starts a node on a host, which is known from then on; a killed one starts anew. */
  async start(host: string, { skewMs = 0, directoryMs = 0, spy, overrides = [], ...options }: HostOptions = {}): Promise<Node> {
    this.sim.start(host);
    this.#starts += 1;
    const seed = this.#starts * 7_919 + Math.floor(this.sim.random.next() * 2 ** 20);
    const clock = new HostClock(this.sim.clock, skewMs);
    const matchmaker = new HostMatchmaker(this.registry, clock, directoryMs);
    const network = this.sim.network(host);
    const node = await createNode(`sim://${host}`, {
      name: host,
      ...options,
      overrides: [
        override(Clock, [], () => clock),
        override(Random, [], () => new SeededRandom(seed)),
        override(Ids, [], () => this.sim.ids(host)),
        override(Network, [], () => spy?.(network, clock) ?? network),
        override(Matchmaker, [], () => matchmaker),
        ...overrides,
      ],
    });
    this.#running.set(host, { node, clock, matchmaker });
    return node;
  }

  /** The host's process dies between two instructions: it hears, says and does nothing any more. Its entries live for `leaseMs`. */
  kill(host: string, leaseMs = 10_000): void {
    const process = this.#running.get(host);
    if (!process) return;
    this.#running.delete(host);
    this.#killed.push(process.node);
    this.sim.kill(host);
    process.clock.die();
    process.matchmaker.die();
    this.sim.clock.schedule(() => {
      this.registry.expire(process.node.id);
    }, leaseMs);
  }

  /** Closes the host's node, as a program that ends well does, and says what it has left when its last turn is over. */
  async close(host: string): Promise<Leftovers> {
    const process = this.#running.get(host);
    if (!process) return [];
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
}

/** What is left of the turn in which a node was closed, and until a drain looks again whether all is done. */
const momentMs = 6;
/** Longer than anything takes that was on its way, and than any lease. */
const restMs = 20_000;
