import { SkeinError } from '../core/errors.js';
import { checkTarget } from '../core/target.js';
import { isAbove, parseVersion, type Version } from '../core/version.js';
import type { Operation } from '../ports/transport.js';
import { Caster } from './caster.js';
import type { Source } from '../operators/pull.js';
import type { Stream } from '../operators/stream.js';
import { checkContract, type Contract, isStreaming, type Method, type ShapeOf, type Verb, versionOf } from './contract.js';
import { Fanner } from './fanout.js';
import {
  type CallOptions,
  type CastOptions,
  type ChannelOptions,
  checkClientOptions,
  type ClientOptions,
  mergeClientOptions,
  type SinkOptions,
  type StreamOptions,
  type UnaryOptions,
} from './options.js';
import type { Receipt, Receipts } from './receipt.js';
import type { Sending } from './terms.js';
import type { RpcPorts } from './rpc-ports.js';
import type { Description } from './service.js';
import { openingOf, SinkRequest } from './streams/sink-request.js';
import { Streamer } from './streams/streamer.js';
import { type Call, Caller } from './unary-call.js';

type Args<I, Options> = undefined extends I ? [input?: I, options?: Options] : [input: I, options?: Options];

type Feed<I, Open, Options> = undefined extends Open
  ? [input: Source<I>, options?: Options & { readonly open?: Open }]
  : [input: Source<I>, options: Options & { readonly open: Open }];

/** How a verb is sent: a `cast` at once, the others when they are subscribed or awaited. */
export type Sender<M> =
  M extends Method<infer V>
    ? {
        call: (...args: Args<ShapeOf<M>['input'], UnaryOptions>) => Call<ShapeOf<M>['output'], ShapeOf<M>['error']>;
        cast: (...args: Args<ShapeOf<M>['input'], CastOptions>) => Receipt;
        stream: (...args: Args<ShapeOf<M>['input'], StreamOptions>) => Stream<ShapeOf<M>['output']>;
        sink: (
          ...args: Feed<ShapeOf<M>['input'], ShapeOf<M>['open'], SinkOptions>
        ) => Call<ShapeOf<M>['output'], ShapeOf<M>['error']>;
        channel: (...args: Feed<ShapeOf<M>['input'], ShapeOf<M>['open'], ChannelOptions>) => Stream<ShapeOf<M>['output']>;
      }[V]
    : never;

/** The contract's methods, and Skein's own, which start with `$` so that no contract can ever collide with them. */
export type Client<C extends Contract> = { readonly [K in keyof C['methods']]: Sender<C['methods'][K]> } & {
  /** The same at that server only; never falls back to another. */
  $on(server: string): Client<C>;
  /** The same with other defaults. */
  $with(options: ClientOptions): Client<C>;
  /** The contract's casts, to every server that there is at the moment of the call. */
  readonly $fanout: Fanout<C>;
  /** Whether the method lies at or below the version cap; sends nothing. */
  $canSend(method: keyof C['methods']): boolean;
  /** Answered by a server of the contract, or the one that is pinned. */
  $ping(options?: CallOptions): Call<{ readonly server: string }>;
  /** What that server says of itself. */
  $describe(options?: CallOptions): Call<Description>;
  /**
   * Asks the node of a server to drain; answered as it begins to, or with `wait` as it ends, with what it could not finish. So a
   * handler of that very node is not to wait. The server is to be pinned, `$on(server)`: throws `invalid-target` otherwise. Fails
   * `forbidden` where the node's operator set `remoteDrain=false`.
   */
  $drain(
    options?: CallOptions & { readonly wait?: boolean },
  ): Call<{ readonly node: string; readonly unfinished?: readonly string[] }>;
};

export type Fanout<C extends Contract> = {
  readonly [K in keyof C['methods'] as C['methods'][K]['verb'] extends 'cast' ? K : never]: (
    ...args: Args<ShapeOf<C['methods'][K]>['input'], CastOptions>
  ) => Receipts;
};

type Sent = Pick<Method, 'verb' | 'options' | 'output' | 'errors'>;

/** Makes the clients of one node. What is kept for a method is kept once, however many clients there are. */
export class Clients {
  readonly #ports: RpcPorts;
  readonly #operations = new WeakMap<Contract, Map<string, Operation>>();

  constructor(ports: RpcPorts) {
    this.#ports = ports;
  }

  /** Throws `invalid-target` or `invalid-argument`. Costs no connection. */
  make<C extends Contract>(contract: C, given: ClientOptions = {}, server?: string): Client<C> {
    checkContract(contract);
    checkClientOptions(given);
    const options = mergeClientOptions({}, given);
    const { exchange = 'default' } = options;
    checkTarget({ exchange, topic: contract.name, server });
    const client: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    const fanout: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const [name, method] of Object.entries(contract.methods)) {
      const sending = this.#sending(contract, name, method, options, server);
      client[name] = senderOf(sending, method, options.validateOutput === true);
      if (method.verb === 'cast') {
        const fanner = new Fanner(sending, method.confirm);
        fanout[name] = (input: unknown, cast?: CastOptions) => fanner.fanOut(input, cast);
      }
      // Only casts are listed.
      else Object.defineProperty(fanout, name, { value: refuseFannedCall(name, method.verb) });
    }
    const builtIn = builtInOf(contract);
    const sendBuiltIn = (name: string) => {
      // Any server will do.
      const { balance, ...others } = options;
      const unkeyed = balance === 'hash' ? others : options;
      const caller = new Caller(this.#sending(contract, name, builtIn, unkeyed, server), builtIn, false);
      return (call?: CallOptions, input?: unknown) => caller.call(input, call);
    };
    client.$ping = withoutInput(sendBuiltIn('$ping'));
    client.$describe = withoutInput(sendBuiltIn('$describe'));
    // Which node is to end is not for the balance to choose.
    client.$drain = server === undefined ? refuseUnpinnedDrain : drainBy(sendBuiltIn('$drain'));
    client.$canSend = (name: string) => {
      const method = Object.hasOwn(contract.methods, name) ? contract.methods[name] : undefined;
      return method !== undefined && !isBeyond(versionOf(contract, method), options.versionCap);
    };
    client.$on = (pinned: unknown) => {
      // What is not there would mean any server.
      if (typeof pinned !== 'string') throw new SkeinError('invalid-target', { reason: 'the server must be a string' });
      return this.make(contract, options, pinned);
    };
    client.$with = (others: ClientOptions) => {
      checkClientOptions(others);
      return this.make(contract, mergeClientOptions(options, others), server);
    };
    client.$fanout = Object.freeze(fanout);
    return Object.freeze(client) as Client<C>;
  }

  #sending(
    contract: Contract,
    name: string,
    method: Sent,
    { exchange = 'default', balance = 'least-loaded', timeoutMs, versionCap, ...defaults }: ClientOptions,
    pinned: string | undefined,
  ): Sending {
    const version = versionOf(contract, method);
    // What Skein itself answers is no part of the contract, and has been there from the start.
    const cap = name.startsWith('$') ? undefined : versionCap;
    return {
      operation: this.#operation(contract, exchange, name, version),
      aboveCap: cap !== undefined && isBeyond(version, cap) ? () => aboveCap(contract, name, version, cap) : undefined,
      pinned,
      balance,
      timeoutMs: timeoutMs ?? method.options.timeoutMs ?? this.#ports.timeoutMs,
      isIdempotent: method.options.idempotent === true,
      isStream: isStreaming(method),
      errors: method.errors,
      defaults,
      ports: this.#ports,
    };
  }

  #operation(contract: Contract, exchange: string, method: string, version: Version): Operation {
    const ofContract = this.#operations.get(contract) ?? new Map<string, Operation>();
    this.#operations.set(contract, ofContract);
    const key = JSON.stringify([exchange, method]);
    const { name: topic, namespace } = contract;
    const operation = ofContract.get(key) ?? { exchange, topic, namespace, version, method };
    ofContract.set(key, operation);
    return operation;
  }
}

/** Any server of the contract's major answers them, however old it is: so one learns what it serves. */
const builtInOf = ({ version }: Contract): Sent => ({
  verb: 'call',
  options: { since: String(parseVersion(version)[0]) as Version },
  output: undefined,
  errors: [],
});

const isBeyond = (version: Version, cap: Version | undefined): boolean =>
  cap !== undefined && isAbove(parseVersion(version), parseVersion(cap));

const aboveCap = ({ name: topic }: Contract, method: string, wanted: Version, cap: Version): SkeinError =>
  new SkeinError(
    'version-cap',
    { wanted, cap },
    { message: `${topic}.${method} came with version ${wanted}, and this client keeps to ${cap}` },
  );

type SendBuiltIn = (call?: CallOptions, input?: unknown) => unknown;

const withoutInput = (send: SendBuiltIn) => (call?: CallOptions) => send(call);

const drainBy = (send: SendBuiltIn) => (options?: CallOptions & { readonly wait?: boolean }) => {
  // What is no options at all is refused as for any call.
  if (typeof options !== 'object' || (options as unknown) === null) return send(options);
  const { wait, ...call } = options;
  return send(call, wait === true ? { wait } : undefined);
};

const refuseUnpinnedDrain = (): never => {
  throw new SkeinError('invalid-target', { reason: '$drain is for one node: pin one of its servers, $on(server).$drain()' });
};

const refuseFannedCall = (name: string, verb: Verb) => (): never => {
  throw new SkeinError('invalid-target', {
    reason: `${name} is a ${verb}, which one server answers: only casts go to all of them`,
  });
};

/** How a method is sent, by its verb. */
const senderOf = (sending: Sending, method: Method, validatesOutput: boolean): ((input: unknown, options?: never) => unknown) => {
  switch (method.verb) {
    case 'call': {
      const caller = new Caller(sending, method, validatesOutput);
      return (input, options?: UnaryOptions) => caller.call(input, options);
    }
    case 'cast': {
      const caster = new Caster(sending, method.confirm);
      return (input, options?: CastOptions) => caster.cast(input, options);
    }
    case 'stream': {
      const streamer = new Streamer(sending, method, validatesOutput);
      return (input, options?: StreamOptions) => streamer.stream(input, undefined, options);
    }
    case 'sink': {
      const caller = new Caller(sending, method, validatesOutput, (...args) => new SinkRequest(sending, ...args));
      return (source, options?: SinkOptions) => caller.call(source, options);
    }
    case 'channel': {
      const streamer = new Streamer(sending, method, validatesOutput);
      return (source, options?: ChannelOptions) => streamer.stream(openingOf(options), source ?? null, options);
    }
  }
};
