import type { CallOptions, DrainReport, SkeinError } from '../../lib/index.js';
import { SimCluster } from '../../lib/testing/cluster/sim-cluster.js';
import { Arrivals } from './arrivals.js';
import { Calm } from './calm.js';
import { Dice } from './dice.js';
import { Process } from './process.js';
import { WireWatch } from './wire-watch.js';
import { type Job, type Sent, Work } from './work.js';

/** What a run came to: what was wrong, and how much happened. */
export interface Account {
  readonly wrong: readonly string[];
  readonly sent: number;
  readonly started: number;
  /** All that its nodes have counted, and what was drained. */
  readonly counters: ReadonlyMap<string, number>;
}

const stepsTotal = 80;
const stepMsMax = 100;
/** No request takes longer than this. */
const timeoutMsMax = 3_000;
/** No call is sent again more often by its caller. */
const repeatsMax = 3;
/** And no drain. */
const drainMsMax = 8_000;
const leaseMs = 2_000;

/** Some nodes, what they send each other, and all that goes wrong meanwhile: everything follows from the seed. */
class Schedule {
  readonly #dice: Dice;
  readonly #world: SimCluster;
  readonly #watch = new WireWatch();
  readonly #hosts: readonly string[];
  readonly #running = new Map<string, Process>();
  readonly #calm: Calm | undefined;
  readonly #started = new Set<string>();
  readonly #drained: (DrainReport & { readonly process: Process })[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #wrong: string[] = [];
  readonly #counters = new Map<string, number>();
  #lastToken = 0;

  /** In a calm schedule nothing is killed, cut or lost: servers and nodes only come, and leave in order. */
  constructor(seed: number, isCalm: boolean) {
    this.#dice = new Dice(seed);
    this.#world = new SimCluster({ seed, latencyMs: [0.1, 1 + this.#dice.below(10)], highWater: 1 + this.#dice.below(20) });
    this.#calm = isCalm ? new Calm(this.#watch, () => this.#world.now()) : undefined;
    this.#hosts = Array.from({ length: 3 + this.#dice.below(3) }, (_, i) => `host-${String(i)}`);
  }

  async run(): Promise<Account> {
    for (const host of this.#hosts) await this.#start(host);
    for (let step = 0; step < stepsTotal; step += 1) {
      await this.#act();
      await this.#world.pass(this.#dice.below(stepMsMax));
      await this.#finishDrained();
    }
    this.#mendAll();
    await this.#world.pass(drainMsMax + 100);
    await this.#finishDrained();
    // As often as one may be sent again, each time with all its time.
    await this.#world.pass(timeoutMsMax * (1 + repeatsMax) + 100);
    for (const process of this.#running.values()) this.#wrong.push(...process.unfinished());
    for (const host of [...this.#running.keys()]) await this.#close(host);
    await this.#world.closeAll();
    const wrong = [...this.#watch.breaches, ...(this.#calm?.breaches ?? []), ...this.#wrong, ...(await this.#world.rest())];
    return { wrong, sent: this.#watch.sent, started: this.#started.size, counters: this.#counters };
  }

  /** One of all that can happen; what is likely stands there more than once. */
  async #act(): Promise<void> {
    if (this.#running.size === 0) await this.#restart();
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
      this.#breakWires,
      this.#breakWires,
      this.#breakDirectory,
    ];
    const departures = [this.#drainNode, this.#drainNode, this.#drainServer];
    const others = this.#calm ? [this.#restart, this.#serveAgain] : this.#dice.chance(0.55) ? mends : faults;
    const kind = this.#dice.chance(0.6) ? sends : this.#dice.chance(0.2) ? departures : others;
    await this.#dice.pick<() => unknown>(kind)?.call(this);
  }

  async #start(host: string): Promise<void> {
    const dice = this.#dice;
    let looking: Pick<ConstructorParameters<typeof Process>[0], 'clock' | 'arrivals'> | undefined;
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
      spy: (network, clock) => {
        looking = { clock, arrivals: new Arrivals(clock) };
        return this.#watch.over(network, looking.arrivals);
      },
    });
    if (!looking) throw new Error('the node has no network');
    const failed = (sent: Sent | undefined, error: SkeinError): void => this.#calm?.judge(host, sent, error);
    const process = new Process({ host, node, watch: this.#watch, started: this.#started, failed, ...looking });
    this.#running.set(host, process);
    this.#serve(process, host);
    if (dice.chance(0.4)) this.#serve(process, `${host}@second`);
  }

  /** It may take until the directory is there again; what comes of it shows later. */
  #serve(process: Process, server: string): void {
    if (process.servers.has(server)) return;
    const bounds = () => ({ concurrency: 1 + this.#dice.below(8), queue: this.#dice.pick([0, 8, 1_024, 1_024]) ?? 0 });
    const methods = Object.fromEntries(Object.keys(Work.methods).map((name) => [name, bounds()]));
    process.node.serve(Work, process.handlers(server), { server, methods }).then((served) => {
      process.servers.set(server, served);
      this.#calm?.appear(served);
    }, ignore);
  }

  #anyProcess(): Process | undefined {
    return this.#dice.pick([...this.#running.values()]);
  }

  /** Somebody who sends, where to and with which options, so many times over. */
  #burst(
    method: string,
    send: (process: Process, client: Process['client'], job: Job, options: CallOptions, sent: Sent) => void,
  ): void {
    const process = this.#anyProcess();
    if (!process) return;
    const pinned = this.#dice.chance(0.5) ? this.#dice.pick(this.#hosts) : undefined;
    const server = pinned !== undefined && this.#dice.chance(0.2) ? `${pinned}@second` : pinned;
    const client = server === undefined ? process.client : process.client.$on(server);
    for (let left = 1 + this.#dice.below(25); left > 0; left -= 1) {
      const timeoutMs = this.#dice.chance(0.05)
        ? 0
        : 1 + this.#dice.below(this.#dice.pick([20, 300, timeoutMsMax, timeoutMsMax]) ?? 1);
      const retries = this.#dice.chance(0.5) ? 0 : this.#dice.below(4);
      // What is sent again by itself comes behind what was sent meanwhile; and methods need not wait for each other.
      const lane = server === undefined || retries > 0 ? '' : `${process.node.id} ${server} ${method}`;
      const number = (this.#numbers.get(lane) ?? 0) + 1;
      this.#numbers.set(lane, number);
      this.#lastToken += 1;
      const token = this.#lastToken;
      const job: Job = { token, lane, number, ms: this.#dice.below(this.#dice.pick([30, 1_000]) ?? 1) };
      const what = `${method} ${String(token)} to ${server ?? 'any'} within ${String(timeoutMs)} ms, ${String(retries)} retries`;
      send(process, client, job, { timeoutMs, retries }, { what, token, isPinned: server !== undefined });
    }
  }

  #call(): void {
    const method = this.#dice.pick(['quick', 'slow', 'relay', 'often'] as const) ?? 'quick';
    const repeats = method === 'often' ? this.#dice.pick([0, 0, 1, repeatsMax]) : 0;
    this.#burst(method, (process, client, job, options, sent) => {
      process.subscribe(sent, client[method]({ ...job, lane: '' }, options), repeats);
    });
  }

  #cast(): void {
    const method = this.#dice.pick(['note', 'sure', 'surely'] as const) ?? 'note';
    const isSeen = this.#dice.chance(0.7);
    this.#burst(method, (process, client, job, options, sent) => {
      if (isSeen) process.cast(sent, (signal) => client[method](job, { ...options, signal }));
      else process.castUnseen(() => client[method](job, options));
    });
  }

  #fanout(): void {
    const process = this.#anyProcess();
    const method = this.#dice.pick(['note', 'sure'] as const) ?? 'note';
    this.#lastToken += 1;
    const token = this.#lastToken;
    const job: Job = { token, lane: '', number: 0, ms: this.#dice.below(100) };
    const { outcome$ } = process?.client.$fanout[method](job, { timeoutMs: this.#dice.below(1_000) }) ?? {};
    if (outcome$) process?.fanout({ what: `fanout of ${method}`, token, isPinned: true }, outcome$);
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

  #breakWires(): void {
    this.#world.sim.break(...this.#twoHosts());
  }

  #kill(): void {
    const host = this.#dice.pick(this.#hosts) ?? '';
    const process = this.#running.get(host);
    if (!process) return;
    this.#running.delete(host);
    this.#count(process);
    this.#world.kill(host, leaseMs);
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
    this.#count(process);
  }

  #count({ node }: Process): void {
    for (const [name, total] of node.counters()) this.#add(name, total);
  }

  #add(name: string, total: number): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + total);
  }

  /** Lets a node leave in order; once it has, another run of it may take its place. */
  #drainNode(): void {
    const process = this.#anyProcess();
    if (!process) return;
    this.#calm?.leave(process.servers.values());
    const timeoutMs = this.#calm ? drainMsMax : (this.#dice.pick([0, 10, 300, drainMsMax]) ?? 0);
    void process.node.drain({ timeoutMs }).then(({ unfinished }) => this.#drained.push({ unfinished, process }));
  }

  #drainServer(): void {
    const process = this.#anyProcess();
    const [server, served] = this.#dice.pick([...(process?.servers ?? [])]) ?? [];
    if (!process || server === undefined || !served) return;
    this.#calm?.leave([served]);
    const timeoutMs = this.#calm ? drainMsMax : (this.#dice.pick([0, 50, drainMsMax]) ?? 0);
    void served.drain({ timeoutMs }).then(({ unfinished }) => {
      process.servers.delete(server);
      if (this.#calm && unfinished.length > 0) this.#wrong.push(`${server} was drained and left ${unfinished.join('; ')}`);
      this.#add(unfinished.length > 0 ? 'drained.servers.partly' : 'drained.servers', 1);
    });
  }

  /** Looks whether nodes that have left in order have lost anything, and starts some of them anew. */
  async #finishDrained(): Promise<void> {
    for (const { process, unfinished } of this.#drained.splice(0)) {
      const { host, arrivals } = process;
      if (this.#running.get(host) !== process) continue;
      const lost = this.#calm ? [...arrivals.open, ...unfinished] : [];
      if (unfinished.length === 0 && process.cutOff > 0) lost.push(`${String(process.cutOff)} sends`);
      if (lost.length > 0) this.#wrong.push(`${host} was drained and has lost ${lost.join('; ')}`);
      this.#add(unfinished.length > 0 ? 'drained.nodes.partly' : 'drained.nodes', 1);
      await this.#close(host);
      if (this.#dice.chance(0.7)) await this.#start(host);
    }
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
  #mendAll(): void {
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

/** Runs the schedule of a seed to its end. Every fourth one is calm. */
export const runSchedule = (seed: number): Promise<Account> => new Schedule(seed, Math.floor(seed / 2) % 4 === 0).run();
