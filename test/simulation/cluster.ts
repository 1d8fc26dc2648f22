import { firstValueFrom, take } from 'rxjs';
import { limits } from '../../lib/core/limits.js';
import type { Clock, Node, Peer, SkeinError } from '../../lib/index.js';
import type { SimNode, World } from '../../lib/testing.js';
import { Arrivals } from './arrivals.js';
import { Calm } from './calm.js';
import { Deeds, timeoutMsMax } from './deeds.js';
import { Dice } from './dice.js';
import { Holdings } from './holdings.js';
import { Ledger } from './ledger.js';
import { Process } from './process.js';
import { WireWatch } from './wire-watch.js';
import type { Sent } from './work.js';

/** How long processes do what they like; then they only end what they have begun. */
export const busyMs = 6_000;
/** The longest that anything takes once nothing goes wrong: work, leases, the next look at the directory; where messages get lost, requests. */
const settledMs: { readonly [M in Mood]: number } = { calm: 5_000, wild: 9_000, lossy: 13_000 };
/** A directory's entries last so long without being renewed, and what changes reaches everyone so late at the most. */
const leaseMs = 2_000;
const directoryMsMax = 80;
/** How long a process rests between two deeds, at the most; what goes wrong by a drain does so within a few ms of it. */
const restMsMax: { readonly [M in Mood]: number } = { calm: 120, wild: 300, lossy: 300 };
/** What is remembered of a request goes so long after its time is up, at the latest. */
const forgottenMs = 5_100;
/** One seed in so many goes on until all rests: that takes 20 minutes of its time. */
const restsEvery = 20;
const ignore = (): void => undefined;

/** What runs have shown, over all of them. */
export type Seen = Set<string>;

/**
 * In a calm run nodes and servers only come, and leave in order. In a wild one anything goes wrong, and all is well again soon after. In a
 * lossy one messages get lost on wires that live on, as on no wire that there is: who waits then waits for as long as there is time.
 */
export type Mood = 'calm' | 'wild' | 'lossy';

/**
 * Some nodes that send each other all that there is, have servers come and go, and look on while anything goes wrong; and once nothing does any
 * more, whether all is well again.
 */
export class Cluster {
  readonly #world: World;
  readonly #mood: Mood;
  readonly #seen: Seen;
  readonly #dice: Dice;
  readonly #ledger = new Ledger();
  readonly #watch: WireWatch;
  readonly #calm: Calm | undefined;
  readonly #hosts: readonly string[];
  readonly #nodes = new Map<string, SimNode>();
  readonly #processes = new Map<string, Process>();
  readonly #startMs: number;
  #starts = 0;
  /** Whether all is told, so that nodes are closed as they are. */
  #isTold = false;

  constructor(world: World, mood: Mood, seen: Seen) {
    this.#world = world;
    this.#startMs = world.clock.now();
    this.#mood = mood;
    this.#seen = seen;
    this.#dice = new Dice(world.seed);
    const breach: Ledger['breach'] = (rule, how) => {
      this.#ledger.breach(rule, how);
    };
    this.#watch = new WireWatch(breach, mood === 'calm');
    this.#calm = mood === 'calm' ? new Calm(this.#watch, () => world.clock.now(), breach) : undefined;
    this.#hosts = Array.from({ length: 3 + this.#dice.below(2) }, (_, i) => `host-${String(i)}`);
  }

  /** The whole scenario. */
  async run(): Promise<void> {
    this.#world.always(this.#ledger.breach$, () => true);
    for (const host of this.#hosts) this.#add(host);
    await pass(busyMs);
    await this.#world.afterFaults(2 * leaseMs + directoryMsMax);
    const astray = this.#astray();
    await this.#world.afterFaults(settledMs[this.#mood]);
    this.#account();
    this.#isTold = true;
    if (this.#mood === 'lossy') return;
    for (const how of astray) this.#ledger.breach('a node knows other servers than there are', how);
    await this.#reachable();
    await this.#cancelled();
    if (this.#world.seed % restsEvery === 0) await this.#atRest();
  }

  #add(host: string): void {
    const dice = this.#dice;
    let looking: { readonly clock: Clock; readonly arrivals: Arrivals } | undefined;
    const program = (node: Node): unknown => {
      if (!looking) throw new Error('the node has no network');
      return this.#begin(host, node, looking);
    };
    const node = this.#world.node(host, program, {
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      linkCredit: 1 + dice.below(16),
      // Where nodes have fewer links than peers, those who wait for each other's wires do so for as long as they have time.
      linksMax: this.#mood === 'wild' ? this.#hosts.length : 1 + dice.below(6),
      // Half of them come back to where they were, so that peers find another process at an address that they know.
      ...(dice.chance(0.5) && { bind: `sim://${host}/fixed` }),
      heartbeatMs: 200 + dice.below(400),
      noServerMs: dice.pick([0, 100, 200]) ?? 0,
      timeoutMs: timeoutMsMax,
      leaseMs,
      skewMs: dice.below(2_000_000) - 1_000_000,
      directoryMs: dice.below(3) * (directoryMsMax / 2),
      spy: (network, clock) => {
        looking = { clock, arrivals: new Arrivals(clock) };
        return this.#watch.over(network, looking.arrivals);
      },
    });
    this.#nodes.set(host, node);
  }

  /** What a node does at each of its starts. */
  #begin(host: string, node: Node, looking: { readonly clock: Clock; readonly arrivals: Arrivals }): () => unknown {
    const { clock, seed } = this.#world;
    if (this.#ledger.incarnations.has(node.id)) this.#ledger.breach('two runs have one incarnation', `${host}: ${node.id}`);
    this.#ledger.incarnations.add(node.id);
    this.#starts += 1;
    const dice = new Dice(seed * 1_000 + this.#starts);
    const failed = (sent: Sent | undefined, error: SkeinError): void => this.#calm?.judge(host, sent, error);
    const process = new Process({ host, node, watch: this.#watch, ledger: this.#ledger, failed, ...looking });
    this.#processes.set(host, process);
    this.#calm?.begin(host, node);
    const patienceMs = this.#mood === 'lossy' ? timeoutMsMax : 60_000;
    const deeds = new Deeds(process, {
      hosts: this.#hosts,
      dice,
      ledger: this.#ledger,
      isCalm: this.#mood === 'calm',
      quit: () => {
        this.#quit(host);
      },
      patienceMs,
    });
    deeds.serve(host);
    if (dice.chance(0.4)) deeds.serve(`${host}@second`);
    const endsAt = this.#startMs + busyMs;
    let timer: NodeJS.Timeout | undefined;
    const act = (): void => {
      if (clock.now() >= endsAt) return;
      deeds.act();
      timer = setTimeout(act, dice.below(restMsMax[this.#mood]));
    };
    act();
    return () => {
      clearTimeout(timer);
      this.#end(process);
    };
  }

  /** Closes the host's node at once, whatever is under way, and starts another one. */
  #quit(host: string): void {
    const node = this.#nodes.get(host) as SimNode;
    // Where it is killed meanwhile, whoever has killed it starts it again.
    void node.close().then(() => node.start(), ignore);
  }

  /** Its node is about to be closed, be it that it has left or that all is over. */
  #end(process: Process): void {
    const { host, arrivals, cutOff, node } = process;
    for (const [counter, total] of node.counters()) if (total > 0) this.#seen.add(counter);
    // One that has left has nothing open any more.
    if (!this.#isTold) {
      this.#processes.delete(host);
      process.account();
    }
    if (this.#mood !== 'calm') return;
    for (const open of arrivals.open) this.#ledger.breach('a drained node has left a request alone', `${host}: ${open}`);
    if (cutOff > 0) this.#ledger.breach('a drained node has lost sends', `${host}: ${String(cutOff)}`);
  }

  /** Each send has had its one end, no mailbox holds anything, and no more is remembered than can come again. */
  #account(): void {
    for (const process of this.#processes.values()) {
      process.account();
      this.#look(process, ({ waiting, remembered }) => {
        for (const where of waiting) this.#ledger.breach('something waits though all has ended', where);
        const repeatable = process.arrivals.repeatable(forgottenMs);
        const how = `${process.host}: ${String(remembered)} requests, where ${String(repeatable)} may come again`;
        if (remembered > repeatable) this.#ledger.breach('more is remembered than matters', how);
      });
    }
  }

  #look({ node }: Process, see: (holdings: Holdings) => void): void {
    node.tree$.pipe(take(1)).subscribe((tree) => {
      see(new Holdings(tree));
    });
  }

  /** The nodes that do not know all servers that are there, or know others, in words. */
  #astray(): readonly string[] {
    const wanted = [...this.#processes.values()].filter(({ servers }) => servers.size > 0).map(({ node }) => node.id);
    return [...this.#nodes].flatMap(([host, node]) => {
      const known = new Set(peersOf(node).map(({ id }) => id));
      const wrong = [...known].filter((id) => !wanted.includes(id));
      const missing = wanted.filter((id) => !known.has(id));
      // A node that has asked nobody for anything knows nobody.
      const isWell = known.size === 0 || (wrong.length === 0 && missing.length === 0);
      return isWell ? [] : [`${host}: not there ${wrong.join()}, not known ${missing.join()}`];
    });
  }

  /** Whoever is there answers whoever asks. */
  async #reachable(): Promise<void> {
    for (const { host, client } of this.#processes.values()) {
      for (const { servers } of this.#processes.values()) {
        for (const server of servers.keys()) {
          const job = { token: this.#ledger.token(), lane: '', number: 0, ms: 0 };
          await firstValueFrom(client.$on(server).quick(job, { timeoutMs: timeoutMsMax })).catch((error: unknown) => {
            this.#ledger.breach('a server cannot be reached though nothing is wrong', `${server} by ${host}: ${String(error)}`);
          });
        }
      }
    }
  }

  /** Who is asked for nothing, and asks for nothing, lets go of all but its servers. */
  async #atRest(): Promise<void> {
    // A topic is let go at the second look that finds it unused.
    await pass(2 * limits.coldMaxMs);
    for (const process of this.#processes.values()) {
      this.#look(process, ({ open, remembered }) => {
        const kept = remembered > 0 ? [...open, `${String(remembered)} requests`] : open;
        for (const what of kept) this.#ledger.breach('something is kept though all rests', `${process.host}: ${what}`);
      });
    }
  }

  /** Nobody works for those who do not want it any more. */
  async #cancelled(): Promise<void> {
    for (const { client } of this.#processes.values()) {
      const job = { token: this.#ledger.token(), lane: '', number: 0, ms: 20_000 };
      const asked = client.slow(job, { timeoutMs: 60_000 }).subscribe({ error: ignore });
      await pass(500);
      asked.unsubscribe();
      await pass(100);
      for (const { host, working } of this.#processes.values()) {
        if (working.size > 0) this.#ledger.breach('a handler goes on for nobody', `${host}: ${[...working].join()}`);
      }
    }
  }
}

const peersOf = (node: SimNode): readonly Peer[] => {
  let known: readonly Peer[] = [];
  node.peers$.subscribe((peers) => (known = peers)).unsubscribe();
  return known;
};

const pass = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
