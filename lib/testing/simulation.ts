import { inspect } from 'node:util';
import { invalidArgument } from '../core/errors.js';
import { SimCluster } from './cluster/sim-cluster.js';
import type { HostOptions } from './cluster/sim-process.js';
import { type DirectoryFault, readDirectoryFault, readLinkFault, readPath } from './nodes/faults.js';
import { LogBook } from './nodes/log-book.js';
import { Member, type Program } from './nodes/member.js';
import { DeputyNode, type SimNode } from './nodes/sim-node.js';
import type { Settled } from './options.js';
import type { Scenario } from './world.js';
import { play, type Scene, ScenarioError, type Stage } from './play.js';
import { diagramOf, type Fault } from './explore/fault-plan.js';
import { Invariants } from './explore/invariants.js';

/** The error itself, which says more; or another one, where its message cannot be changed. */
export const explained = (error: Error, more: string): Error => {
  // A scenario within a scenario is refused, and passes both.
  if (error.message.includes(more)) return error;
  try {
    error.message += `\n\n${more}`;
    return error;
  } catch {
    return new ScenarioError([`${error.name}: ${error.message}`, more], { cause: error });
  }
};

/** Throws `invalid-argument` for a name that no diagram could say, or a time that no host can have. */
const checkHost = (name: string, { skewMs = 0, drift = 0, directoryMs = 0 }: HostOptions): void => {
  const problems = [
    ...(/^[^\s<>]+$/.test(name) ? [] : [`a node's name must be a word without < and >, and is ${inspect(name)}`]),
    ...(Number.isFinite(skewMs) ? [] : [`skewMs of ${name} must be a number, and is ${String(skewMs)}`]),
    ...(drift > -1 && drift < Infinity ? [] : [`drift of ${name} must be more than -1, and is ${String(drift)}`]),
    ...(directoryMs >= 0 && directoryMs < Infinity
      ? []
      : [`directoryMs of ${name} must be a time in ms, and is ${String(directoryMs)}`]),
  ];
  if (problems.length > 0) throw invalidArgument(...problems);
};

/** Names the faults of a run, once its nodes are known. */
export type PlanFaults = (nodes: readonly string[]) => readonly Fault[];

/** Resolves with what is wrong, or undefined. */
export const run = async (
  { seed, limitMs, latencyMs }: Settled,
  scenario: Scenario,
  plan?: PlanFaults,
): Promise<Error | undefined> => {
  const cluster = new SimCluster({ seed, latencyMs });
  const log = new LogBook(() => cluster.now() - startMs);
  const startMs = cluster.now();
  try {
    const rules = { clock: cluster.sim.clock, limitMs, seed };
    await play(rules, (stage) => new Simulation({ stage, cluster, log, seed, scenario, plan }));
    return undefined;
  } catch (error) {
    const known = error instanceof Error ? error : new ScenarioError([`the scenario threw ${inspect(error)}`]);
    return String(log) === '' ? known : explained(known, String(log));
  }
};

interface SimulationParts {
  readonly stage: Stage;
  readonly cluster: SimCluster;
  readonly log: LogBook;
  readonly seed: number;
  readonly scenario: Scenario;
  readonly plan: PlanFaults | undefined;
}

class Simulation implements Scene {
  readonly #parts: SimulationParts;
  readonly #stage: Stage;
  readonly #cluster: SimCluster;
  readonly #invariants: Invariants;
  readonly #members = new Map<string, Member>();
  /** Those whose programs begin or end. */
  readonly #busy = new Set<Member>();
  /** The hosts that links name, which must be there when the first frame comes. */
  readonly #named: string[] = [];
  #isReady = false;
  /** What has become of the directory for all, so that nodes that come later meet the same. */
  readonly #happened: DirectoryFault[] = [];

  constructor(parts: SimulationParts) {
    const { stage, cluster } = parts;
    this.#parts = parts;
    this.#stage = stage;
    this.#cluster = cluster;
    this.#invariants = new Invariants(stage.timetable, (problem, bug) => {
      stage.fail(new ScenarioError([problem], { bug }));
    });
  }

  act(): unknown {
    const { sources, expectations } = this.#stage;
    return this.#parts.scenario({
      clock: this.#stage.clock,
      hot: sources.hot,
      cold: sources.cold,
      stream: sources.stream,
      expectObservable: expectations.expectObservable,
      expectSubscriptions: expectations.expectSubscriptions,
      expectDemand: expectations.expectDemand,
      serve: (contract, handlers, { client, ...options } = {}) =>
        this.#node(`service-${String(this.#members.size + 1)}`, (node) => node.serve(contract, handlers, options)).client(
          contract,
          client,
        ),
      figures: () => this.#cluster.figures(),
      seed: this.#parts.seed,
      always: this.#invariants.always,
      never: this.#invariants.never,
      eventually: this.#invariants.eventually,
      afterFaults: (ms) =>
        new Promise((resolve) => {
          if (!Number.isFinite(ms) || ms < 0) throw invalidArgument(`afterFaults takes a time in ms, and got ${inspect(ms)}`);
          this.#stage.timetable.atQuiet(ms, resolve);
        }),
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
    this.#isReady = true;
    for (const name of this.#named) this.#checkKnown(name);
    for (const fault of this.#parts.plan?.([...this.#members.keys()]) ?? []) this.#suffer(fault);
    await this.#each((member) => member.begin());
  }

  get busy(): readonly string[] {
    return [...this.#busy].map(({ name }) => name);
  }

  async end(): Promise<readonly string[]> {
    this.#invariants.close();
    const pending = [...this.#members.values()].flatMap((member) => member.pending);
    if (pending.length > 0) return pending;
    return (await this.#each((member) => member.end())).flat();
  }

  close(): Promise<readonly string[]> {
    return this.#cluster.closeAll();
  }

  rest(): Promise<readonly string[]> {
    return this.#members.size === 0 ? Promise.resolve([]) : this.#cluster.rest();
  }

  async abandon(): Promise<void> {
    for (const member of this.#members.values()) member.kill();
    await this.#cluster.closeAll();
  }

  #each<T>(work: (member: Member) => Promise<T>): Promise<readonly T[]> {
    return Promise.all(
      [...this.#members.values()].map((member) => {
        this.#busy.add(member);
        return work(member).finally(() => this.#busy.delete(member));
      }),
    );
  }

  #checkKnown(name: string): void {
    if (!this.#members.has(name)) throw invalidArgument(`there is no node ${name}`);
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
    if (this.#isReady && this.#parts.plan && this.#members.size === 0) {
      throw invalidArgument('explore plans its faults at the first frame: make a node or a service before anything is awaited');
    }
    checkHost(name, options);
    const logged = { ...options, logger: this.#parts.log.of(name, this.#stage.fail, options.logger) };
    const member = new Member(this.#cluster, name, program, logged, this.#stage.fail);
    this.#members.set(name, member);
    for (const fault of this.#happened) fault(member);
    // All others are started together.
    if (this.#isReady) void member.begin();
    return new DeputyNode(member, this.#stage.timetable);
  }

  #link(text: string, faults: string): void {
    const path = readPath(text);
    if (this.#isReady) for (const name of [path.from, path.to]) this.#checkKnown(name);
    else this.#named.push(path.from, path.to);
    this.#stage.timetable.faults(faults, readLinkFault, (fault) => {
      fault(this.#cluster.sim, path);
    });
  }

  #directory(faults: string): void {
    this.#stage.timetable.faults(faults, readDirectoryFault, (fault) => {
      this.#happened.push(fault);
      for (const member of this.#members.values()) fault(member);
    });
  }

  #partition(groups: readonly (readonly string[])[]): void {
    for (const name of groups.flat()) this.#checkKnown(name);
    const sides = groups.flatMap((group) => [...new Set(group)]);
    const twice = sides.find((name, i) => sides.indexOf(name) !== i);
    if (twice !== undefined) throw invalidArgument(`${twice} cannot be on both sides of a partition`);
    const groupOf = (name: string): number => groups.findIndex((group) => group.includes(name));
    for (const [a, b] of this.#pairs()) if (groupOf(a) !== groupOf(b)) this.#cluster.sim.cut(a, b);
  }

  #pairs(): readonly (readonly [string, string])[] {
    const names = [...this.#members.keys()];
    return names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const));
  }
}
