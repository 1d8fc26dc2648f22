import { SystemRandom } from '../adapters/system/system-random.js';
import { invalidArgument } from '../core/errors.js';
import { SimCluster } from './cluster/sim-cluster.js';
import type { HostOptions } from './cluster/sim-process.js';
import { type MarbleWorld, marbleWorld } from './marble-test.js';
import { readDirectoryFault, readLinkFault, readPath } from './nodes/faults.js';
import { LogBook } from './nodes/log-book.js';
import { Member, type Program } from './nodes/member.js';
import { DeputyNode, type SimNode } from './nodes/sim-node.js';
import { settle, type Settled, type SimulateOptions } from './options.js';
import { play, type Scene, ScenarioError, type Stage } from './play.js';
import { diagramOf, type Fault } from './explore/fault-plan.js';
import { Invariants } from './explore/invariants.js';

/** What scenarios are written with. */
export interface World extends MarbleWorld {
  /** What all chance follows from. */
  readonly seed: number;
  /**
   * A real node on a host of that name. The program runs at each of its starts; what it gives back (a function, a Subscription, a server)
   * ends what it began, when the node is closed. All nodes are up, and their programs have done what they do at first, at the first
   * frame. Throws `invalid-argument`.
   */
  readonly node: (name: string, program?: Program, options?: HostOptions) => SimNode;
  /**
   * What goes wrong between two hosts, as a diagram: `x` cut, `o` heal, `d50ms` delay, `d10ms..50ms` jitter, `l10%` loss, `n3` lose the
   * next three messages, `b` break the wires. `a>b` means one direction, `a<>b` both.
   */
  readonly link: (path: string, faults: string) => void;
  /** Each value must be so, whatever goes wrong; the first that is not fails the scenario, as does an error of the stream. */
  readonly always: Invariants['always'];
  /** No value may be so. */
  readonly never: Invariants['never'];
  /** The last value must be so within that many ms after the last fault has ended. */
  readonly eventually: Invariants['eventually'];
  /** What becomes of the directory, for all nodes: as {@link SimNode.directory} says. */
  readonly directory: (faults: string) => void;
  readonly network: {
    /** Cuts every link between hosts of different groups; those that no group names are one more group. */
    partition(...groups: readonly (readonly string[])[]): void;
    /** Heals every link. */
    heal(): void;
  };
}

/** It may be async, and what it throws fails it. */
export type Scenario = (world: World) => unknown;

/**
 * Runs a scenario with real nodes, in virtual time, on a simulated network: all of it follows from the seed. Timers, dates and promises of
 * users' code are virtual too. Rejects with what the scenario or a program throws, or with a `ScenarioError` that shows where diagrams
 * part, or names what was left open.
 */
export const simulate = async (options: SimulateOptions, scenario: Scenario): Promise<void> => {
  const settled = settle(options, () => new SystemRandom().next());
  const error = await run(settled, scenario);
  if (error !== undefined) throw explained(error, `seed ${String(settled.seed)}: ${seeAgain(settled.seed)}`);
};

/** The error itself, which says more. */
export const explained = (error: unknown, more: string): unknown => {
  if (error instanceof Error) error.message += `\n\n${more}`;
  return error;
};

export const seeAgain = (seed: number): string => `see it again with SKEIN_SEED=${String(seed)} before your test command`;

/** Names the faults of a run, once its nodes are known. */
export type PlanFaults = (nodes: readonly string[]) => readonly Fault[];

/** Resolves with what is wrong, or undefined. */
export const run = async (
  { seed, limitMs, latencyMs }: Settled,
  scenario: Scenario,
  plan: PlanFaults = () => [],
): Promise<unknown> => {
  const cluster = new SimCluster({ seed, latencyMs });
  const log = new LogBook(() => cluster.now() - startMs);
  const startMs = cluster.now();
  try {
    await play(cluster.sim.clock, limitMs, (stage) => new Simulation({ stage, cluster, log, seed, scenario, plan }));
    return undefined;
  } catch (error) {
    const known = error ?? new Error('the scenario threw nothing that can be told');
    return String(log) === '' ? known : explained(known, String(log));
  }
};

interface SimulationParts {
  readonly stage: Stage;
  readonly cluster: SimCluster;
  readonly log: LogBook;
  readonly seed: number;
  readonly scenario: Scenario;
  readonly plan: PlanFaults;
}

class Simulation implements Scene {
  readonly #parts: SimulationParts;
  readonly #stage: Stage;
  readonly #cluster: SimCluster;
  readonly #invariants: Invariants;
  readonly #members = new Map<string, Member>();
  /** The hosts that links name, which must be there when the first frame comes. */
  readonly #named: { readonly name: string; readonly path: string }[] = [];

  constructor(parts: SimulationParts) {
    const { stage, cluster } = parts;
    this.#parts = parts;
    this.#stage = stage;
    this.#cluster = cluster;
    this.#invariants = new Invariants(stage.timetable, (problem) => {
      stage.fail(new ScenarioError([problem]));
    });
  }

  act(): unknown {
    return this.#parts.scenario({
      ...marbleWorld(this.#stage),
      seed: this.#parts.seed,
      always: this.#invariants.always,
      never: this.#invariants.never,
      eventually: this.#invariants.eventually,
      node: (name, program, options) => this.#node(name, program, options),
      link: (path, faults) => {
        this.#link(path, faults);
      },
      directory: (faults) => {
        this.#directory(faults);
      },
      network: {
        partition: (...groups) => {
          this.#partition(groups);
        },
        heal: () => {
          for (const [a, b] of this.#pairs()) this.#cluster.sim.heal(a, b);
        },
      },
    });
  }

  async ready(): Promise<void> {
    const unknown = this.#named.find(({ name }) => !this.#members.has(name));
    if (unknown) throw invalidArgument(`the link "${unknown.path}" names ${unknown.name}, and there is no node of that name`);
    for (const fault of this.#parts.plan([...this.#members.keys()])) this.#suffer(fault);
    await Promise.all([...this.#members.values()].map((member) => member.start()));
  }

  async close(): Promise<readonly string[]> {
    this.#invariants.close();
    const left: string[] = [];
    for (const member of this.#members.values()) left.push(...(await member.close()));
    return [...left, ...(await this.#cluster.closeAll())];
  }

  rest(): Promise<readonly string[]> {
    return this.#cluster.rest();
  }

  async abandon(): Promise<void> {
    for (const member of this.#members.values()) member.kill();
    await this.#cluster.closeAll();
  }

  #suffer(fault: Fault): void {
    const diagram = diagramOf(fault);
    const node = this.#members.get(fault.where);
    const seesDirectory = this.#members.get(fault.where.replace(/^directory of /, ''));
    if (node) new DeputyNode(node, this.#stage.timetable).faults(diagram);
    else if (seesDirectory) new DeputyNode(seesDirectory, this.#stage.timetable).directory(diagram);
    else this.#link(fault.where, diagram);
  }

  #node(name: string, program: Program = () => undefined, options: HostOptions = {}): SimNode {
    if (this.#members.has(name)) throw invalidArgument(`there is a node ${name} already`);
    const logged = { logger: this.#parts.log.of(name), ...options };
    const member = new Member(this.#cluster, name, program, logged, this.#stage.fail);
    this.#members.set(name, member);
    return new DeputyNode(member, this.#stage.timetable);
  }

  #link(text: string, faults: string): void {
    const path = readPath(text);
    this.#named.push({ name: path.from, path: text }, { name: path.to, path: text });
    this.#stage.timetable.faults(faults, readLinkFault, (fault) => {
      fault(this.#cluster.sim, path);
    });
  }

  #directory(faults: string): void {
    this.#stage.timetable.faults(faults, readDirectoryFault, (fault) => {
      for (const member of this.#members.values()) if (member.isUp) fault(member.process.matchmaker);
    });
  }

  #partition(groups: readonly (readonly string[])[]): void {
    const unknown = groups.flat().find((name) => !this.#members.has(name));
    if (unknown !== undefined) throw invalidArgument(`there is no node ${unknown}`);
    const groupOf = (name: string): number => groups.findIndex((group) => group.includes(name));
    for (const [a, b] of this.#pairs()) if (groupOf(a) !== groupOf(b)) this.#cluster.sim.cut(a, b);
  }

  #pairs(): readonly (readonly [string, string])[] {
    const names = [...this.#members.keys()];
    return names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const));
  }
}
