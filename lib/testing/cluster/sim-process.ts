import { SeededRandom } from '../../adapters/sim/seeded-random.js';
import { limits } from '../../core/limits.js';
import { createNode } from '../../node/create-node.js';
import type { Node } from '../../node/node.js';
import type { NodeOptions } from '../../node/options.js';
import { override } from '../../node/override.js';
import { Clock } from '../../ports/clock.js';
import { Ids } from '../../ports/ids.js';
import { Matchmaker } from '../../ports/matchmaker.js';
import { Network } from '../../ports/network.js';
import { Random } from '../../ports/random.js';
import { type Doer, type Enter, runAs } from '../current.js';
import { HostClock, type HostTime } from './host-clock.js';
import { HostMatchmaker } from './host-matchmaker.js';
import { HostNetwork } from './host-network.js';
import type { Surroundings } from './surroundings.js';

export interface HostOptions extends Omit<NodeOptions, 'url' | 'name'>, HostTime {
  /** How late it hears of changes in the directory, in ms; 0 by default. */
  readonly directoryMs?: number;
  /** Stands between the node and its network, to look on. */
  readonly spy?: (network: Network, clock: Clock) => Network;
}

/** One process on a host: a real node, with the time, chance, network and directory of a simulated one. */
export class SimProcess implements Doer {
  readonly clock: HostClock;
  readonly matchmaker: HostMatchmaker;
  /** How long its entries outlive it. */
  readonly leaseMs: number;
  readonly #held: (() => void)[] = [];
  #state: 'running' | 'paused' | 'resuming' | 'dead' = 'running';
  /** What its users' code sees of chance, which is not the node's own. */
  readonly #chance: SeededRandom;
  #node: Node | undefined;

  /** What happens to it: at once, when it is resumed, or never. */
  readonly enter: Enter = (work) => {
    if (this.#state === 'running') runAs(this, work);
    else if (this.#state !== 'dead') this.#held.push(work);
  };

  private constructor(surroundings: Surroundings, seed: number, time: HostTime, leaseMs: number, lateMs = 0) {
    this.#chance = new SeededRandom(~seed);
    this.leaseMs = leaseMs;
    const clock = new HostClock(surroundings.sim.clock, time, this.enter);
    this.clock = clock;
    this.matchmaker = new HostMatchmaker(surroundings, { clock, lateMs, leaseMs, enter: this.enter });
  }

  /** `seed` is for its node's own chance. */
  static async start(surroundings: Surroundings, host: string, seed: number, options: HostOptions): Promise<SimProcess> {
    const { skewMs, drift, directoryMs, spy, overrides = [], ...others } = options;
    const { leaseMs = limits.leaseMs } = others;
    const time = { ...(skewMs && { skewMs }), ...(drift && { drift }) };
    const process = new SimProcess(surroundings, seed, time, leaseMs, directoryMs);
    const { clock, matchmaker, enter } = process;
    const network = new HostNetwork(surroundings.sim.network(host), enter);
    process.#node = await createNode(`sim://${host}`, {
      name: host,
      ...others,
      overrides: [
        override(Clock, [], () => clock),
        override(Random, [], () => new SeededRandom(seed)),
        override(Ids, [], () => surroundings.sim.ids(host)),
        override(Network, [], () => spy?.(network, clock) ?? network),
        override(Matchmaker, [], () => matchmaker),
        ...overrides,
      ],
    });
    return process;
  }

  get node(): Node {
    return this.#node as Node;
  }

  chance(): number {
    return this.#chance.next();
  }

  uptime(): number {
    return this.clock.uptime();
  }

  get wasKilled(): boolean {
    return this.#state === 'dead';
  }

  get isPaused(): boolean {
    return this.#state === 'paused';
  }

  /** As by SIGSTOP: nothing happens in it, and what comes to it waits. */
  pause(): void {
    if (this.#state !== 'dead') this.#state = 'paused';
  }

  /** As by SIGCONT: what waited happens now, in its order, and what comes of it behind that. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'resuming';
    while (this.#isResuming) {
      const work = this.#held.shift();
      if (work) runAs(this, work);
      else this.#state = 'running';
    }
  }

  /** What it does may end it, or pause it again. */
  get #isResuming(): boolean {
    return this.#state === 'resuming';
  }

  die(): void {
    this.#state = 'dead';
    this.#held.length = 0;
    this.clock.die();
  }
}
