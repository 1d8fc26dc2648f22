import type { Clock } from '../ports/clock.js';
import type { Client } from '../rpc/client.js';
import type { Contract } from '../rpc/contract.js';
import type { Handlers } from '../rpc/handlers.js';
import type { ClientOptions } from '../rpc/options.js';
import type { ServeOptions } from '../rpc/services.js';
import type { SimFigures } from './cluster/sim-cluster.js';
import type { HostOptions } from './cluster/sim-process.js';
import type { Invariants } from './explore/invariants.js';
import type { Expectations } from './marbles/expectations.js';
import type { Sources } from './marbles/sources.js';
import type { Program } from './nodes/member.js';
import type { SimNode } from './nodes/sim-node.js';

/** What marble tests are written with: sources that emit by diagrams, and what is expected, said by diagrams. One frame is 1 ms. */
export interface MarbleWorld
  extends
    Pick<Sources, 'hot' | 'cold' | 'stream'>,
    Pick<Expectations, 'expectObservable' | 'expectSubscriptions' | 'expectDemand'> {
  /** The scenario's time, for operators that take a scheduler. */
  readonly clock: Clock;
  /** Handlers alone: a client that has them handle what it sends as a node would, schemas, deadlines, cancellation and context included. */
  readonly serve: <C extends Contract>(contract: C, handlers: Handlers<C>, options?: ServiceOptions<C>) => Client<C>;
}

export interface ServiceOptions<C extends Contract> extends Pick<ServeOptions<C>, 'methods'> {
  readonly client?: ClientOptions;
}

/** What scenarios are written with. */
export interface World extends MarbleWorld {
  /** What the cluster has cost so far, and what it holds. */
  readonly figures: () => SimFigures;
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
  /** Resolves so many ms after the last fault has ended, or after now, if that is later. */
  readonly afterFaults: (ms: number) => Promise<void>;
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
