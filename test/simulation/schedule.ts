import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import type { CallOptions, Clock, Random } from '../../lib/index.js';
import { World } from '../world.js';
import { type Job, Process, Work } from './process.js';
import { WireWatch } from './wire-watch.js';

/** What a run came to: what was wrong, and how much happened. */
export interface Account {
  readonly wrong: readonly string[];
  readonly sent: number;
  readonly started: number;
  /** By how it ended, as counters name it. */
  readonly ends: ReadonlyMap<string, number>;
}

const stepsTotal = 100;
const stepMsMax = 100;
/** No request takes longer than this. */
const timeoutMsMax = 3_000;
const leaseMs = 2_000;

/** Chance, in the words of a schedule. */
class Dice {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** From 0 up to, and not including, `bound`. */
  below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  pick<T>(values: readonly T[]): T | undefined {
    return values[this.below(values.length)];
  }
}

/** Some nodes, what they send each other, and all that goes wrong meanwhile: everything follows from the seed. */
class Schedule {
  readonly #dice: Dice;
  readonly #world: World;
  readonly #watch = new WireWatch();
  readonly #hosts: readonly string[];
  readonly #running = new Map<string, Process>();
  readonly #started = new Set<string>();
  readonly #numbers = new Map<string, number>();
  readonly #wrong: string[] = [];
  readonly #ends = new Map<string, number>();

  constructor(seed: number) {
    this.#dice = new Dice(seed);
    this.#world = new World({ seed, latencyMs: [0.1, 1 + this.#dice.below(10)], highWater: 1 + this.#dice.below(20) });
    this.#hosts = Array.from({ length: 3 + this.#dice.below(3) }, (_, i) => `host-${String(i)}`);
  }

  async run(): Promise<Account> {
    for (const host of this.#hosts) await this.#start(host);
    for (let step = 0; step < stepsTotal; step += 1) {
      await this.#act();
      await this.#world.pass(this.#dice.below(stepMsMax));
    }
    this.#calm();
    await this.#world.pass(timeoutMsMax + 100);
    for (const process of this.#running.values()) this.#wrong.push(...process.unfinished());
    for (const host of [...this.#running.keys()]) await this.#close(host);
    await this.#world.closeAll();
    const wrong = [...this.#watch.breaches, ...this.#wrong, ...(await this.#world.rest())];
    return { wrong, sent: this.#watch.sent, started: this.#started.size, ends: this.#ends };
  }

  /** One of all that can happen; what is likely stands there more than once. */
  async #act(): Promise<void> {
    const sends = [this.#call, this.#call, this.#call, this.#cast, this.#cast, this.#fanout, this.#withdraw, this.#withdraw];
    const mends = [
      this.#heal,
      this.#heal,
      this.#heal,
      this.#restart,
      this.#restart,
      this.#serveAgain,
      this.#mendDirectory,
      this.#mendDirectory,
    ];
    const faults = [
      this.#cut,
      this.#cut,
      this.#lose,
      this.#delay,
      this.#kill,
      this.#kill,
      this.#closeServer,
      this.#closeNode,
      this.#breakDirectory,
    ];
    const kind = this.#dice.chance(0.6) ? sends : this.#dice.chance(0.55) ? mends : faults;
    await this.#dice.pick<() => unknown>(kind)?.call(this);
  }

  async #start(host: string): Promise<void> {
    const dice = this.#dice;
    let clock: Clock | undefined;
    const node = await this.#world.start(host, {
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      linkCredit: 1 + dice.below(16),
      linksMax: 1 + dice.below(6),
      // Half of them come back to where they were, so that peers find another process at an address that they know.
      ...(dice.chance(0.5) && { bind: `sim://${host}/fixed` }),
      heartbeatMs: 30 + dice.below(200),
      noServerMs: dice.pick([0, 200, 2_000]) ?? 0,
      timeoutMs: timeoutMsMax,
      skewMs: dice.below(2_000_000) - 1_000_000,
      directoryMs: dice.below(3) * 10,
      spy: (network, ofHost) => {
        clock = ofHost;
        return this.#watch.over(network, ofHost);
      },
    });
    if (!clock) throw new Error('the node has no network');
    const process = new Process(host, node, clock, this.#watch, this.#started);
    this.#running.set(host, process);
    this.#serve(process, host);
    if (dice.chance(0.4)) this.#serve(process, `${host}@second`);
  }

  /** It may take until the directory is there again; what comes of it shows later. */
  #serve(process: Process, server: string): void {
    if (process.servers.has(server)) return;
    const bounds = () => ({ concurrency: 1 + this.#dice.below(8), queue: this.#dice.pick([0, 1, 8, 1_024]) ?? 0 });
    const methods = { quick: bounds(), slow: bounds(), often: bounds(), note: bounds(), sure: bounds() };
    process.node
      .serve(Work, process.handlers(server), { server, methods })
      .then((served) => process.servers.set(server, served), ignore);
  }

  #anyProcess(): Process | undefined {
    return this.#dice.pick([...this.#running.values()]);
  }

  /** Somebody who sends, where to and with which options, so many times over. */
  #burst(send: (process: Process, client: Process['client'], job: Job, options: CallOptions, what: string) => void): void {
    const process = this.#anyProcess();
    if (!process) return;
    const pinned = this.#dice.chance(0.5) ? this.#dice.pick(this.#hosts) : undefined;
    const server = pinned !== undefined && this.#dice.chance(0.2) ? `${pinned}@second` : pinned;
    const client = server === undefined ? process.client : process.client.$on(server);
    for (let left = 1 + this.#dice.below(25); left > 0; left -= 1) {
      const timeoutMs = this.#dice.chance(0.05)
        ? 0
        : 1 + this.#dice.below(this.#dice.pick([20, 300, timeoutMsMax, timeoutMsMax]) ?? 1);
      const lane = server === undefined ? '' : `${process.node.id} ${server}`;
      const number = (this.#numbers.get(lane) ?? 0) + 1;
      this.#numbers.set(lane, number);
      const job: Job = { lane, number, ms: this.#dice.below(this.#dice.pick([30, 1_000]) ?? 1) };
      send(process, client, job, { timeoutMs }, `${String(number)} to ${server ?? 'any'} within ${String(timeoutMs)} ms`);
    }
  }

  #call(): void {
    const method = this.#dice.pick(['quick', 'slow', 'relay', 'often'] as const) ?? 'quick';
    this.#burst((process, client, job, options, what) => {
      process.subscribe(`${method} ${what}`, client[method]({ ...job, lane: '' }, options));
    });
  }

  #cast(): void {
    const method = this.#dice.pick(['note', 'sure'] as const) ?? 'note';
    const isSeen = this.#dice.chance(0.7);
    this.#burst((process, client, { lane, ...rest }, options, what) => {
      // Methods do not wait for each other.
      const job: Job = { ...rest, lane: lane === '' ? '' : `${lane} ${method}` };
      if (isSeen) process.cast(`${method} ${what}`, (signal) => client[method](job, { ...options, signal }));
      else process.castUnseen(() => client[method](job, options));
    });
  }

  #fanout(): void {
    const process = this.#anyProcess();
    const method = this.#dice.pick(['note', 'sure'] as const) ?? 'note';
    const job: Job = { lane: '', number: 0, ms: this.#dice.below(100) };
    process?.fanout(`fanout of ${method}`, process.client.$fanout[method](job, { timeoutMs: this.#dice.below(1_000) }).outcome$);
  }

  #withdraw(): void {
    const process = this.#anyProcess();
    if (!process) return;
    for (const withdraw of [...process.withdrawals]) if (this.#dice.chance(0.3)) withdraw();
  }

  #twoHosts(): readonly [string, string] {
    const first = this.#dice.below(this.#hosts.length);
    const second = (first + 1 + this.#dice.below(this.#hosts.length - 1)) % this.#hosts.length;
    return [this.#hosts[first] as string, this.#hosts[second] as string];
  }

  #cut(): void {
    const [a, b] = this.#twoHosts();
    if (this.#dice.chance(0.3)) this.#world.sim.cutOneWay(a, b);
    else this.#world.sim.cut(a, b);
  }

  #heal(): void {
    this.#world.sim.heal(...this.#twoHosts());
  }

  #lose(): void {
    this.#world.sim.setLoss(...this.#twoHosts(), this.#dice.chance(0.5) ? 0 : 0.02 + this.#dice.below(30) / 100);
  }

  #delay(): void {
    this.#world.sim.setLatency(...this.#twoHosts(), this.#dice.chance(0.5) ? 0.5 : [1, 1 + this.#dice.below(80)]);
  }

  #kill(): void {
    const host = this.#dice.pick(this.#hosts) ?? '';
    if (this.#running.delete(host)) this.#world.kill(host, leaseMs);
  }

  async #restart(): Promise<void> {
    const host = this.#dice.pick(this.#hosts.filter((name) => !this.#running.has(name)));
    if (host !== undefined) await this.#start(host);
  }

  /** A node that closes ends all that it has under way, there and then. */
  async #close(host: string): Promise<void> {
    const process = this.#running.get(host);
    if (!process) return;
    this.#running.delete(host);
    this.#wrong.push(...(await this.#world.close(host)));
    this.#wrong.push(...process.unfinished().map((what) => `${what}, though its node is closed`));
    for (const [how, total] of process.ends()) this.#ends.set(how, (this.#ends.get(how) ?? 0) + total);
  }

  async #closeNode(): Promise<void> {
    await this.#close(this.#dice.pick(this.#hosts) ?? '');
  }

  #closeServer(): void {
    const process = this.#anyProcess();
    const [server, served] = this.#dice.pick([...(process?.servers ?? [])]) ?? [];
    if (!process || server === undefined) return;
    process.servers.delete(server);
    void served?.close();
  }

  #serveAgain(): void {
    const process = this.#anyProcess();
    if (process) this.#serve(process, this.#dice.chance(0.5) ? process.host : `${process.host}@second`);
  }

  #breakDirectory(): void {
    this.#world.registry.fail();
  }

  #mendDirectory(): void {
    this.#world.registry.restore();
  }

  /** Nothing is broken any more. */
  #calm(): void {
    this.#mendDirectory();
    for (const a of this.#hosts) {
      for (const b of this.#hosts) {
        if (a === b) continue;
        this.#world.sim.healOneWay(a, b);
        this.#world.sim.setLoss(a, b, 0, 'one');
        this.#world.sim.setLatency(a, b, 1, 'one');
      }
    }
  }
}

const ignore = (): void => undefined;

/** Runs the schedule of a seed to its end. */
export const runSchedule = (seed: number): Promise<Account> => new Schedule(seed).run();
