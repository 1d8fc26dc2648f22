import { isSkeinError } from '../core/errors.js';
import { isVersion, type Version } from '../core/version.js';
import type { Registration } from '../ports/matchmaker.js';
import { call, cast, channel, contract, isStreaming, type Method, sink, stream, type Verb } from '../rpc/contract.js';
import type { CallOptions, CastOptions } from '../rpc/options.js';
import type { Outcome, Receipt, Receipts } from '../rpc/receipt.js';
import type { Description, MethodDescription } from '../rpc/service.js';
import type { Node } from './node.js';

/** Requests to servers whose contracts are not at hand, made from what the servers say of themselves. */

export { isStreaming };
export type { CallOptions, CastOptions, Description, MethodDescription, Outcome, Receipt, Registration, Verb };

/** A method of a described contract, on any of its servers or on the one that is named. */
export interface Described {
  readonly exchange: string;
  readonly description: Description;
  readonly method: string;
  readonly server?: string | undefined;
}

/** What a listed server says of itself; rejects as its call does. */
export const describeServer = async (node: Node, registration: Registration, options: CallOptions): Promise<Description> => {
  const { exchange, topic, namespace, server } = registration;
  const describe = (version: Version) =>
    node
      .client(contract(topic, version, {}, { namespace }), { exchange })
      .$on(server)
      .$describe(options);
  if (isVersion(registration.version)) return describe(registration.version);
  try {
    return await describe('0.0');
  } catch (error) {
    // The directory does not know its version; its refusal tells it.
    const served = isSkeinError(error, 'unsupported-version') ? error.details.served[0]?.split(' ').at(-1) : undefined;
    if (served === undefined || !isVersion(served)) throw error;
    return describe(served);
  }
};

/** Has the node that runs a listed server drain; resolves as it ends, with what it could not finish, where it tells. */
export const drainNodeOf = (node: Node, { description, exchange }: Omit<Described, 'method'>, options: CallOptions) => {
  const { contract: topic, version, namespace, server } = description;
  return node
    .client(contract(topic, version, {}, { namespace }), { exchange })
    .$on(server)
    .$drain({ ...options, wait: true });
};

export const callDescribed = (node: Node, described: Described, input: unknown, options: CallOptions): PromiseLike<unknown> =>
  members<PromiseLike<unknown>>(clientOf(node, described, call<unknown, unknown>()), described)(input, options);

export const castDescribed = (node: Node, described: Described, input: unknown, options: CastOptions): Receipt =>
  members<Receipt>(clientOf(node, described, cast<unknown>()), described)(input, options);

/** Casts to every server of the contract, or to the one that is named. */
export const fanOutDescribed = (node: Node, described: Described, input: unknown, options: CastOptions): Receipts =>
  members<Receipts>(clientOf(node, described, cast<unknown>()).$fanout, described)(input, options);

/** Opens a stream, and gives its items. */
export const streamDescribed = (node: Node, described: Described, input: unknown, options: CallOptions): AsyncIterable<unknown> =>
  members<AsyncIterable<unknown>>(clientOf(node, described, stream<unknown, unknown>()), described)(input, options);

/** Opens a sink with `open`, and sends it the items. */
export const sinkDescribed = (node: Node, described: Described, items: AsyncIterable<unknown>, options: OpenOptions) =>
  members<PromiseLike<unknown>>(clientOf(node, described, sink<unknown, unknown, unknown>()), described)(items, options);

/** Opens a channel with `open`, sends it the items, and gives those that come back. */
export const channelDescribed = (node: Node, described: Described, items: AsyncIterable<unknown>, options: OpenOptions) =>
  members<AsyncIterable<unknown>>(clientOf(node, described, channel<unknown, unknown, unknown>()), described)(items, options);

interface OpenOptions extends CallOptions {
  readonly open: unknown;
}

/** The method's name is known when it runs only, so that types know of none. */
const clientOf = (node: Node, { exchange, description, method, server }: Described, how: Method) => {
  const { contract: name, version, namespace } = description;
  const client = node.client(contract(name, version, { [method]: how } as Unnamed, { namespace }), { exchange });
  return server === undefined ? client : client.$on(server);
};

type Unnamed = Readonly<Record<'', Method>>;

type Sender<R> = (input: unknown, options: CallOptions) => R;

const members = <R>(client: object, { method }: Described): Sender<R> =>
  (client as Readonly<Record<string, Sender<R>>>)[method] as Sender<R>;
