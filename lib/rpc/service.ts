import type { Context } from '../core/context.js';
import type { MethodName } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { isCompatible, isVersion, parseVersion, type Version } from '../core/version.js';
import type { Desk, Endpoint, Incoming } from '../ports/transport.js';
import { Bulkhead, type BulkheadBounds } from './bulkhead.js';
import { type Contract, isStreaming, type Verb } from './contract.js';
import type { Coursed } from './course.js';
import { interceptHandler } from './intercept-handler.js';
import { type AnyHandler, MethodDesk } from './method-desk.js';
import { RequestStream } from './request-stream.js';
import { isRequests } from './requests.js';
import type { RpcPorts } from './rpc-ports.js';
import { jsonSchemaOf } from './schema.js';

/** What a server tells of itself. */
export interface Description {
  readonly contract: string;
  readonly version: Version;
  readonly namespace: string;
  readonly server: string;
  /** The node that it runs on, as others know it. */
  readonly node: string;
  readonly methods: Readonly<Record<string, MethodDescription>>;
}

export interface MethodDescription {
  readonly verb: Verb;
  /** Requests that were started, and those of them that failed. */
  readonly calls: number;
  readonly failures: number;
  /** The version that brought it, where the contract says one. */
  readonly since?: Version;
  /** The errors that it declares, and the requests that failed with one of them, which are no `failures`. */
  readonly errors?: readonly string[];
  readonly expected?: number;
  /** JSON Schemas, where the contract's schema library can tell them; of streams, of each item, and of what sinks and channels open with. */
  readonly input?: unknown;
  readonly output?: unknown;
  readonly open?: unknown;
}

export interface ServiceName {
  readonly exchange: string;
  readonly server: string;
  readonly labels: Context;
}

/** What a server says of its methods in the place of what their contract says. */
export type MethodBounds = Readonly<Record<string, Partial<BulkheadBounds> | undefined>>;

/** One server of a contract: its methods, each behind a bulkhead of its own. */
export class Service implements Endpoint {
  readonly exchange: string;
  readonly topic: string;
  readonly server: string;
  readonly version: Version;
  readonly namespace: string;
  readonly labels: Context;
  readonly #contract: Contract;
  readonly #ports: RpcPorts;
  /** By the names of their methods. */
  readonly #bulkheads = new Map<string, Bulkhead>();
  readonly #desks: ReadonlyMap<string, MethodDesk>;
  /** By their methods, the streams that are to be run while it serves. */
  readonly streams = new Map<string, RequestStream>();

  constructor(
    contract: Contract,
    handlers: Readonly<Record<string, unknown>>,
    { exchange, server, labels }: ServiceName,
    bounds: MethodBounds,
    ports: RpcPorts,
  ) {
    this.exchange = exchange;
    this.topic = contract.name;
    this.server = server;
    this.version = contract.version;
    this.namespace = contract.namespace;
    this.labels = labels;
    this.#contract = contract;
    this.#ports = ports;
    const builtIn: Record<string, AnyHandler> = {
      $ping: () => ({ server }),
      $describe: () => this.describe(),
      $drain: (input: unknown) => {
        const [report, { node }] = [ports.drainNode(), ports];
        return wantsReport(input) ? report.then(({ unfinished }) => ({ node, unfinished })) : { node };
      },
    };
    this.#desks = new Map([
      ...Object.entries(contract.methods).map(([name, method]) => {
        const { concurrency = isStreaming(method) ? limits.streams : limits.concurrency, queue = limits.queue } = {
          ...method.options,
          ...bounds[name],
        };
        return [name, this.#desk(name, method, this.#handlerOf(name, handlers[name]), { concurrency, queue })] as const;
      }),
      ...Object.entries(builtIn).map(
        ([name, handler]) => [name, this.#desk(name, builtInMethod, handler, limits.builtIn)] as const,
      ),
    ]);
  }

  #handlerOf(name: string, handler: unknown): AnyHandler {
    if (!isRequests(handler)) return handler as AnyHandler;
    const stream = new RequestStream(`${this.topic}.${name}`, handler, this.#ports);
    this.streams.set(name, stream);
    return stream.handle;
  }

  /** Requests that wait for all of its methods, and the most that may. */
  get mailbox(): { readonly size: number; readonly max: number } {
    const sum = (of: 'size' | 'max'): number => this.#all.reduce((total, { mailbox }) => total + mailbox[of], 0);
    return {
      get size() {
        return sum('size');
      },
      max: sum('max'),
    };
  }

  /**
   * Nothing more comes: streams give out what they have gathered, once all that their methods have at work has reached them. Whether
   * nothing waits here any more, and nothing is at work.
   */
  windUp(): boolean {
    for (const [name, stream] of this.streams) {
      const bulkhead = this.#bulkheads.get(name);
      if (bulkhead?.mailbox.size === 0 && bulkhead.working === stream.within) stream.finish();
    }
    return [...this.#bulkheads].every(([name, { isIdle }]) => isIdle || name === '$drain');
  }

  /** Whether someone waits here for what the drain of the node will say. */
  get isAsked(): boolean {
    return this.#bulkheads.get('$drain')?.isIdle === false;
  }

  /** The requests that wait here. */
  get waiting(): readonly Incoming[] {
    return this.#all.flatMap(({ waiting }) => waiting);
  }

  /** Whether a request is for this server. */
  owns({ target: { exchange, topic, server } }: Incoming): boolean {
    return server === this.server && topic === this.topic && exchange === this.exchange;
  }

  find({ namespace, version, method }: MethodName): Desk | SkeinError {
    if (!this.#serves(namespace, version)) {
      const [wanted, served] = [`${namespace} ${version}`.trim(), `${this.namespace} ${this.version}`.trim()];
      return new SkeinError('unsupported-version', { wanted, served: [served] });
    }
    if (method === '$drain' && !this.#ports.remoteDrain) return new SkeinError('forbidden', { rule: 'remoteDrain=false' });
    return this.#desks.get(method) ?? new SkeinError('no-such-method', { method });
  }

  describe(): Description {
    const { name, version, namespace, methods } = this.#contract;
    const { server } = this;
    return { contract: name, version, namespace, server, node: this.#ports.node, methods: this.#describeMethods(methods) };
  }

  /** Refuses what waits and what comes; what was started goes on, and its answers go out for as long as there is a wire. */
  close(): void {
    for (const bulkhead of this.#all) bulkhead.close();
  }

  get #all(): readonly Bulkhead[] {
    return [...this.#bulkheads.values()];
  }

  #desk(name: string, method: Coursed, handler: AnyHandler, bounds: BulkheadBounds): MethodDesk {
    const { server, topic } = this;
    const start = (request: Incoming): void => {
      desk.start(request);
    };
    const bulkhead = new Bulkhead({ server, topic, name, start }, bounds, this.#ports);
    this.#bulkheads.set(name, bulkhead);
    const { interceptors, ambient } = this.#ports;
    const intercepted = interceptHandler(handler, { contract: topic, method: name }, method.verb, interceptors.server, ambient);
    const desk = new MethodDesk(name, method, intercepted, bulkhead, this.#ports);
    return desk;
  }

  #serves(namespace: string, version: string): boolean {
    return namespace === this.namespace && isVersion(version) && isCompatible(parseVersion(version), parseVersion(this.version));
  }

  #describeMethods(methods: Contract['methods']): Description['methods'] {
    return Object.fromEntries(
      Object.entries(methods).map(
        ([
          name,
          {
            verb,
            input,
            output,
            open,
            errors,
            options: { since },
          },
        ]) => {
          const { calls = 0, failures = 0, expected = 0 } = this.#desks.get(name) ?? {};
          const [taken, given, opening] = [
            jsonSchemaOf(input, 'input'),
            jsonSchemaOf(output, 'output'),
            jsonSchemaOf(open, 'input'),
          ];
          return [
            name,
            {
              verb,
              calls,
              failures,
              ...(since !== undefined && { since }),
              ...(errors.length > 0 && { errors: errors.map(({ errorName }) => errorName), expected }),
              ...(taken !== undefined && { input: taken }),
              ...(given !== undefined && { output: given }),
              ...(opening !== undefined && { open: opening }),
            },
          ];
        },
      ),
    );
  }
}

const builtInMethod: Coursed = { verb: 'call', input: undefined, errors: [] };

const wantsReport = (input: unknown): boolean =>
  typeof input === 'object' && input !== null && 'wait' in input && input.wait === true;
