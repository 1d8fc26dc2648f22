import {
  type Client,
  type ClientOptions,
  type Contract,
  createNode,
  type ErrorCode,
  type Handlers,
  Hub,
  isSkeinError,
  type Node,
  type NodeOptions,
  type Served,
  type ServeOptions,
  type SkeinError,
} from '../../lib/index.js';

/** What a kind of cluster can do; the tests that need more than it has are not part of its suite. */
export interface Abilities {
  /** Hours pass in no time, and nothing is late: waits of seconds are tested, and instants to the ms. */
  readonly virtualTime: boolean;
  /** A timeout, in ms, within which an idle cluster has long begun to handle a request, and which a test can wait for. */
  readonly shortMs: number;
  /** The directory lists who registers and takes off who leaves; one that is a file lists whoever stands in it. */
  readonly registers: boolean;
  /** What is sent is copied, and so has to be what can be written down; else it is handed on as it is. */
  readonly copies: boolean;
}

/** What can go wrong on purpose, between the nodes of a simulation, by their names. */
interface Faults {
  /** The node's process dies without a word; the directory forgets it after `leaseMs`. */
  kill(name: string, leaseMs?: number): void;
  cut(a: string, b: string): void;
  heal(a: string, b: string): void;
  /** The wires between them end, with what was under way on them; they may dial anew. */
  break(a: string, b: string): void;
  setLatency(a: string, b: string, latencyMs: number): void;
  /** The directory fails, until it is restored. */
  outage(): void;
  restore(): void;
}

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Real nodes that can find each other. */
export interface Cluster {
  /** Starts a node; names are unique within a cluster. */
  readonly node: (name: string, options?: Omit<NodeOptions, 'url' | 'name'>) => Promise<Node>;
  readonly serve: <C extends Contract>(
    node: Node,
    contract: C,
    handlers: Handlers<C>,
    options?: ServeOptions<C>,
  ) => Promise<Served>;
  /** Waits for a promise; virtual time passes meanwhile. */
  readonly settle: <T>(promise: PromiseLike<T>) => Promise<T>;
  /** Lets time pass. */
  readonly pass: (ms: number) => Promise<void>;
  /** Epoch ms of the nodes' clocks. */
  readonly now: () => number;
  /** Resolves so much later, by the nodes' clocks; a handler's way to take its time. */
  readonly after: (ms: number) => Promise<void>;
  /** What the nodes have logged. */
  readonly lines: readonly Line[];
  /** Throws where it has none. */
  readonly faults: Faults;
  /** Closes all nodes; rejects where something stays open that can be seen. */
  readonly close: () => Promise<void>;
}

/** Starts the cluster of the present test when first asked, and gives the same to who asks again. */
type Use = () => Cluster;

/** A part of the suite: it declares its tests. */
export type Part = (use: Use, abilities: Abilities) => void;

/** A logger option that keeps what is logged. */
export const recorder = (lines: Line[]): NonNullable<NodeOptions['logger']> => {
  const at =
    (level: Line['level']) =>
    (message: unknown, fields: unknown): void => {
      lines.push({ level, message: String(message), fields: (fields ?? {}) as Line['fields'] });
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

const none: Faults = new Proxy({} as Faults, {
  get: (_, name) => {
    throw new Error(`this cluster has no faults, and no ${String(name)}`);
  },
});

/** A cluster in real time, whose nodes are made by `start` and whose other resources are given back by `release`. */
export const realCluster = (
  start: (name: string, options: Omit<NodeOptions, 'url' | 'name'>) => Promise<Node>,
  { beforeServing, release }: { readonly beforeServing?: BeforeServing; readonly release?: () => Promise<void> | void } = {},
): Cluster => {
  const nodes: Node[] = [];
  const lines: Line[] = [];
  const after = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
  return {
    node: async (name, options) => {
      const node = await start(name, { logger: recorder(lines), ...options });
      nodes.push(node);
      return node;
    },
    serve: async (node, contract, handlers, options = {}) => {
      await beforeServing?.(node, contract, options);
      return node.serve(contract, handlers, options);
    },
    settle: async (promise) => promise,
    pass: after,
    now: () => performance.timeOrigin + performance.now(),
    after,
    lines,
    faults: none,
    close: async () => {
      for (const node of nodes.reverse()) await node.close();
      await release?.();
    },
  };
};

export type BeforeServing = (node: Node, contract: Contract, options: ServeOptions) => Promise<void> | void;

/** All within this process, each cluster by itself. */
export const memoryCluster = (inProcess: 'copy' | 'share'): Promise<Cluster> => {
  const hub = new Hub();
  return Promise.resolve(realCluster((name, options) => createNode({ ...options, url: 'zmq+memory://', name, hub, inProcess })));
};

/** One node that serves the contract and another one that calls it. */
export const connect = async <C extends Contract>(
  { node, serve }: Cluster,
  contract: C,
  handlers: Handlers<C>,
  {
    server: serverOptions,
    caller: callerOptions,
    serve: serveOptions,
    ...client
  }: ClientOptions & {
    readonly server?: Omit<NodeOptions, 'url' | 'name'>;
    readonly caller?: Omit<NodeOptions, 'url' | 'name'>;
    readonly serve?: ServeOptions<C>;
  } = {},
): Promise<{ readonly server: Node; readonly served: Served; readonly caller: Node; readonly client: Client<C> }> => {
  const server = await node('server', serverOptions);
  const served = await serve(server, contract, handlers, serveOptions);
  const caller = await node('caller', callerOptions);
  return { server, served, caller, client: caller.client(contract, client) };
};

/** The error that a promise rejects with, which must be a SkeinError. */
export const failure = async (promise: PromiseLike<unknown>): Promise<SkeinError> => {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (isSkeinError(error)) return error;
    throw error;
  }
  throw new Error(`it was to fail, and gave ${JSON.stringify(value)}`);
};

/** The same where it must be of that code. */
export const failureOf = async <C extends ErrorCode>(code: C, promise: PromiseLike<unknown>): Promise<SkeinError<C>> => {
  const error = await failure(promise);
  if (isSkeinError(error, code)) return error;
  throw error;
};

/** A promise with its handles: something to wait for, and a way to say that it came. */
export class Signal<T = void> {
  resolve!: (value: T) => void;
  readonly promise = new Promise<T>((resolve) => {
    this.resolve = resolve;
  });
}

/** Resolves with the reason when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });

/** What a node has counted by that name. */
export const counted = (node: Node, name: string): number => node.counters().get(name) ?? 0;

/** How a node's requests ended, by counter; those that never happened are left out. */
export const ends = (node: Node): Readonly<Record<string, number>> =>
  Object.fromEntries([...node.counters()].filter(([name, total]) => name.startsWith('requests.') && total > 0));
