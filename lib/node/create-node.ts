import 'reflect-metadata';
import { Container, type ContainerModule, type ServiceIdentifier } from 'inversify';
import { NEVER, Subject } from 'rxjs';
import { Actor } from '../actors/actor.js';
import { spawnBelow } from '../actors/spawn.js';
import { invalidArgument } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { Mesh } from '../mesh/mesh.js';
import type { Identity } from '../mesh/mesh-ports.js';
import { DeadlineWheel } from '../operators/deadline-wheel.js';
import { Clock } from '../ports/clock.js';
import { Codec } from '../ports/codec.js';
import { Ids } from '../ports/ids.js';
import { Logger } from '../ports/logger.js';
import { Matchmaker } from '../ports/matchmaker.js';
import { Meter } from '../ports/meter.js';
import { Network } from '../ports/network.js';
import { Random } from '../ports/random.js';
import { Ambient } from '../rpc/ambient.js';
import { Clients } from '../rpc/client.js';
import { endLeftovers } from '../rpc/drain.js';
import type { Undeliverable } from '../rpc/receipt.js';
import type { RpcPorts } from '../rpc/rpc-ports.js';
import { Services } from '../rpc/services.js';
import { Closers } from './closers.js';
import { hubNamed } from './hub.js';
import { localModule, memoryModule, overridesModule, staticModule, systemModule } from './modules.js';
import { type Node, RunningNode } from './node.js';
import type { Scheme } from './node-url.js';
import { type NodeOptions, type Plan, planNode } from './options.js';
import type { Port } from './override.js';
import { defaults, settingProblems, type Settings } from './settings.js';
import { drainOnSignals, drainQuietly } from './signals.js';

/**
 * Starts a node. A URL says all options that text can say; options win over it, and it over `SKEIN_…` environment variables.
 * Rejects with `invalid-argument`, every problem listed and unknown keys by name.
 */
export interface CreateNode {
  (url: string, options?: Omit<NodeOptions, 'url'>): Promise<Node>;
  (options?: NodeOptions): Promise<Node>;
}

export const createNode: CreateNode = async (first: string | NodeOptions = {}, options: Omit<NodeOptions, 'url'> = {}) => {
  const isOptions = typeof first === 'object' && !((first as unknown) instanceof URL);
  const plan = planNode(isOptions ? first : { ...options, url: first as string }, process.env);
  const closers = new Closers();
  try {
    return await assemble(plan, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
};

/** The composition root: everything is made here, in the order in which it needs one another, and closed in the reverse one. */
const assemble = async (plan: Plan, closers: Closers): Promise<Node> => {
  const { settings } = plan;
  const container = await containerFor(plan, closers);
  const take = async <T extends object>(port: Port<T>): Promise<T> => {
    const made = await container.getAsync<T>(port as ServiceIdentifier<T>);
    if ('close' in made && typeof made.close === 'function') closers.add(() => (made as { close(): unknown }).close());
    return made;
  };
  // Closed last: a storage that is used once more is handed on again.
  const ambient = ambientOf(closers);
  const [clock, random, ids, logger] = [await take(Clock), await take(Random), await take(Ids), await take(Logger)];
  const [meter, codec] = [await take(Meter), await take(Codec)];
  const [network, matchmaker] = [await take(Network), await take(Matchmaker)];

  const id = ids.next();
  const identity = await identify(plan, id);
  const wheel = new DeadlineWheel(clock, limits.wheelTickMs);
  const requests = requestDefaults(settings);
  const root = Actor.root(identity.node, { clock, random, logger, meter, wheel, timeoutMs: requests.timeoutMs });
  closers.add(() => {
    root.stop();
    wheel.close();
  });
  const undeliverable$ = undeliverableUntil(closers, clock);
  const transport = new Mesh(root, { identity, network, matchmaker, codec, clock, random, logger, meter });
  closers.add(() => {
    transport.close();
    endLeftovers(rpc);
  });
  let lastId = 0;
  const rpc: RpcPorts = {
    transport,
    clock,
    random,
    codec,
    logger,
    meter,
    wheel,
    ambient,
    interceptors: plan.interceptors ?? { client: [], server: [] },
    passing: new Set(),
    undeliverable$,
    nextId: () => (lastId += 1),
    life: { state: 'open' },
    node: identity.node,
    ...requests,
    drainNode: () => drainQuietly(node, logger),
  };
  const servers = branchOf(root, 'servers', closers);
  // Users' actors call and serve, so they stop while that still works.
  const user = branchOf(root, 'user', closers);
  const node = new RunningNode({
    id,
    name: identity.node,
    url: plan.url,
    root,
    spawn: spawnBelow(user),
    clients: new Clients(rpc),
    services: new Services(servers, rpc, { server: identity.node, labels: settings.labels ?? defaults.labels }),
    rpc,
    peers$: transport.peers$,
    servers$: transport.servers$,
    undeliverable$,
    close: () => closers.close(),
  });
  if (settings.handleSignals === true) closers.add(drainOnSignals(node, logger, clock));
  return node;
};

const undeliverableUntil = (closers: Closers, clock: Clock): Subject<Undeliverable> => {
  const undeliverable$ = new Subject<Undeliverable>();
  closers.add(() => {
    // In its turn: what fails by the closing is still told.
    clock.schedule(() => {
      undeliverable$.complete();
    }, 0);
  });
  return undeliverable$;
};

const requestDefaults = ({ timeoutMs, sendStacks, remoteDrain }: Settings) => ({
  timeoutMs: timeoutMs ?? defaults.timeoutMs,
  sendStacks: sendStacks ?? defaults.sendStacks,
  remoteDrain: remoteDrain ?? defaults.remoteDrain,
});

const ambientOf = (closers: Closers): Ambient => {
  const ambient = new Ambient();
  closers.add(() => {
    ambient.close();
  });
  return ambient;
};

/** A part of the tree, which stops in its turn. */
const branchOf = (root: Actor, name: string, closers: Closers): Actor => {
  const branch = root.spawn(name, () => NEVER);
  closers.add(() => {
    branch.stop();
  });
  return branch;
};

const containerFor = async (plan: Plan, closers: Closers): Promise<Container> => {
  const container = new Container();
  container.load(systemModule(plan), ...directoryModules(plan, closers));
  if (plan.modules) await container.loadAsync(...plan.modules);
  if (plan.overrides) container.load(overridesModule(plan.overrides));
  return container;
};

const directoryModules = (
  { scheme, place, settings, hub: given, overrides = [], modules = [] }: Plan,
  closers: Closers,
): readonly ContainerModule[] => {
  const ways = { network: settings.network, leaseMs: settings.leaseMs ?? defaults.leaseMs };
  switch (scheme) {
    case 'zmq+local':
      return localModule(place, ways);
    case 'zmq+static':
      return staticModule(place, ways);
    case 'zmq+memory': {
      const hub = place === '' ? given : hubNamed(place);
      if (!hub) throw invalidArgument('zmq+memory:// needs a name, zmq+memory://NAME, or the option hub');
      const passes = settings.inProcess ?? defaults.inProcess;
      closers.add(hub.join(passes));
      return memoryModule(hub, passes);
    }
    case 'sim':
      if (overrides.length + modules.length > 0) return [];
      throw invalidArgument('sim:// needs the overrides of a simulated world');
  }
};

const binds: Readonly<Record<Scheme, string>> = {
  'zmq+local': 'ipc://*',
  'zmq+static': 'tcp://127.0.0.1:*',
  'zmq+memory': 'memory://*',
  sim: 'sim://*',
};

/** Where the ring says that the servers of the node's name are. */
const addressInRing = async (file: string, node: string): Promise<string | undefined> => {
  const { addressIn } = await import('../adapters/static/ring.js');
  return addressIn(file, node);
};

const identify = async ({ scheme, place, settings }: Plan, incarnation: string): Promise<Identity> => {
  const node = settings.name ?? incarnation;
  const listed = scheme === 'zmq+static' && settings.bind === undefined ? await addressInRing(place, node) : undefined;
  // What the file says is bound by the same rules as what the options say.
  const problems = listed === undefined ? [] : settingProblems({ ...settings, bind: listed });
  if (problems.length > 0) throw invalidArgument(...problems);
  return {
    node,
    incarnation,
    bind: settings.bind ?? listed ?? binds[scheme],
    advertise: settings.advertise,
    heartbeatMs: settings.heartbeatMs ?? defaults.heartbeatMs,
    linkCredit: settings.linkCredit ?? defaults.linkCredit,
    linksMax: settings.linksMax ?? defaults.linksMax,
    noServerMs: settings.noServerMs ?? defaults.noServerMs,
    leaseMs: settings.leaseMs ?? defaults.leaseMs,
  };
};
