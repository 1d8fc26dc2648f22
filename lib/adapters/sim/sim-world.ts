import { invalidArgument } from '../../core/errors.js';
import type { Ids } from '../../ports/ids.js';
import type { Network } from '../../ports/network.js';
import type { Random } from '../../ports/random.js';
import { Fabric, type FabricOptions } from '../memory/fabric.js';
import { SeededIds } from './seeded-ids.js';
import { SeededRandom } from './seeded-random.js';
import { SimNetwork } from './sim-network.js';
import { type Latency, SimRoute, type Tally } from './sim-route.js';
import { VirtualClock, type VirtualClockOptions } from './virtual-clock.js';

export interface SimWorldOptions
  extends Pick<FabricOptions, 'highWater' | 'connectTimeoutMs'>, Pick<VirtualClockOptions, 'eventsPerInstantMax'> {
  readonly seed: number;
  /** How long a message takes from host to host, in ms; 0.1 to 1 by default. */
  readonly latencyMs?: Latency;
}

/** Whether a fault is in both directions, or only in the one from the first host to the second. */
export type Ways = 'both' | 'one';

/** What is open in a world; all of it empty once everything was closed. */
export interface WorldAccount {
  /** Each open end of a wire, by the name of its peer. */
  readonly wires: readonly string[];
  readonly listeners: readonly string[];
  /** How many events are scheduled. */
  readonly events: number;
}

/**
 * Hosts, the network between them and its faults, in virtual time: everything follows from the seed. It behaves as TCP does:
 * messages of one wire keep their order; what a cut holds up arrives after it was healed, with the latency of then, and the
 * wires stay up meanwhile; dialling across a cut waits, and fails where the cut lasts too long. A lost message is the one thing
 * that TCP would repair: it never arrives, and the wire stays up. Hosts are known by being named, and run from the start.
 */
export class SimWorld {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly #latencyMs: Latency;
  readonly #fabric: Fabric;
  readonly #tally: Tally = { messages: 0 };
  readonly #routes = new Map<string, SimRoute>();
  readonly #ids = new Map<string, Ids>();
  /** How often each host was killed, and which are dead. */
  readonly #runs = new Map<string, number>();
  readonly #dead = new Set<string>();

  constructor({ seed, latencyMs = [0.1, 1], eventsPerInstantMax, ...options }: SimWorldOptions) {
    this.clock = new VirtualClock(eventsPerInstantMax === undefined ? {} : { eventsPerInstantMax });
    this.random = new SeededRandom(seed);
    this.#latencyMs = latencyMs;
    this.#fabric = new Fabric(this.clock, { ...options, routes: (from, to) => this.#route(from, to) });
  }

  /** The host's network, good until the host is killed. Throws while it is dead. */
  network(host: string): Network {
    if (host === '' || host === '*' || host.includes('/')) throw invalidArgument(`"${host}" cannot name a host`);
    if (this.#dead.has(host)) throw invalidArgument(`${host} is dead: start it first`);
    const run = this.#run(host);
    return new SimNetwork(this.#fabric, host, () => this.#run(host) === run);
  }

  /** The host's ids, which go on rising over its restarts. */
  ids(host: string): Ids {
    const ids = this.#ids.get(host) ?? new SeededIds(host, this.clock);
    this.#ids.set(host, ids);
    return ids;
  }

  /** Nothing arrives from the one at the other any more, nor back. */
  cut(a: string, b: string): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  cutOneWay(from: string, to: string): void {
    this.#route(from, to).cut();
  }

  /** Ends a cut, in both directions; what it held up is on its way again. */
  heal(a: string, b: string): void {
    this.healOneWay(a, b);
    this.healOneWay(b, a);
  }

  healOneWay(from: string, to: string): void {
    this.#route(from, to).heal(this.clock, () => {
      this.#fabric.resume();
    });
  }

  /** The wires between the two end, both sides see it at once, and what was under way on them is lost; either may dial anew. */
  break(a: string, b: string): void {
    this.#fabric.break(a, b);
  }

  /** From now on messages get lost with this probability, from 0 to 1. */
  setLoss(a: string, b: string, probability: number, ways: Ways = 'both'): void {
    for (const route of this.#between(a, b, ways)) route.loss = probability;
  }

  /** The next so many messages get lost. */
  drop(a: string, b: string, count: number, ways: Ways = 'both'): void {
    for (const route of this.#between(a, b, ways)) route.drops = count;
  }

  /** From now on messages take this long, or as long as at first; none overtakes one that was sent before. */
  setLatency(a: string, b: string, latencyMs: Latency = this.#latencyMs, ways: Ways = 'both'): void {
    for (const route of this.#between(a, b, ways)) route.latencyMs = latencyMs;
  }

  /**
   * The host's process dies: its wires and listeners are gone, and what it had subscribed to falls silent. Its peers see their
   * wires complete after the latency, or after a cut was healed.
   */
  kill(host: string): void {
    if (this.#dead.has(host)) return;
    this.#dead.add(host);
    this.#runs.set(host, this.#run(host) + 1);
    this.#fabric.vanish(host);
  }

  /** A killed host comes back, with nothing open; take its network anew. */
  start(host: string): void {
    this.#dead.delete(host);
  }

  /** How many messages have set off. */
  get messages(): number {
    return this.#tally.messages;
  }

  open(): WorldAccount {
    return { ...this.#fabric.open(), events: this.clock.pending };
  }

  #run(host: string): number {
    return this.#runs.get(host) ?? 0;
  }

  #between(a: string, b: string, ways: Ways): readonly SimRoute[] {
    return ways === 'one' ? [this.#route(a, b)] : [this.#route(a, b), this.#route(b, a)];
  }

  #route(from: string, to: string): SimRoute {
    const key = `${from}>${to}`;
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    const route = new SimRoute(this.random, this.#latencyMs, this.#tally);
    this.#routes.set(key, route);
    return route;
  }
}
