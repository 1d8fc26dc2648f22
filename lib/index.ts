export type { ActorStatus, Stopped } from './actors/actor.js';
export type { AskOptions, Question } from './actors/ask.js';
export type { ActorRef, Behavior, MailboxBounds, Self, Spawn, SpawnOptions, Stateful, Step } from './actors/behavior.js';
export { stateful } from './actors/stateful.js';
export type { Restart, Strategy, Supervise } from './actors/supervision.js';
export type { Context } from './core/context.js';
export type { DeclaredErrorOptions } from './core/declared.js';
export type { Envelope } from './core/envelope.js';
export {
  type ErrorCode,
  type ErrorDetails,
  type Failure,
  invalidArgument,
  isSkeinError,
  type Issue,
  type Ran,
  SkeinError,
  type SkeinErrorOptions,
} from './core/errors.js';
export type { Overflow } from './core/overflow.js';
export type { Version } from './core/version.js';
export { createNode, type CreateNode } from './node/create-node.js';
export { Hub } from './node/hub.js';
export type { Node } from './node/node.js';
export type { NodeOptions } from './node/options.js';
export { override, type Override, type Port } from './node/override.js';
export type { Settings } from './node/settings.js';
export { bounded, type BoundedPolicy } from './operators/bounded.js';
export { consume } from './operators/consume.js';
export type { Call } from './operators/lazy-call.js';
export { mergeBounded } from './operators/merge-bounded.js';
export type { Source } from './operators/pull.js';
export { type DemandOperator, type DemandPipe, fromDemand, type Produce, type Stream } from './operators/stream.js';
export { Clock } from './ports/clock.js';
export { Codec } from './ports/codec.js';
export { Ids } from './ports/ids.js';
export { Logger } from './ports/logger.js';
export { Matchmaker, type Registration } from './ports/matchmaker.js';
export { type Counter, Meter } from './ports/meter.js';
export { type Listening, Network, type Wire } from './ports/network.js';
export { Random } from './ports/random.js';
export type { Balance, Peer } from './ports/transport.js';
export type { Client, Fanout, Sender } from './rpc/client.js';
export {
  bytes,
  call,
  type CallSpec,
  channel,
  cast,
  type CastSpec,
  type Contract,
  contract,
  type Input,
  type Method,
  type MethodOptions,
  type Methods,
  type OpenSpec,
  type Output,
  type Shape,
  sink,
  stream,
  typed,
  type Verb,
} from './rpc/contract.js';
export { type DeclaredError, defineError, type ErrorClass } from './rpc/declared-error.js';
export type { Reply } from './rpc/first-value.js';
export type { Handler, Handlers } from './rpc/handlers.js';
export type { Intercepted, Interceptor } from './rpc/interceptor.js';
export type {
  CallOptions,
  CastOptions,
  ChannelOptions,
  ClientOptions,
  SinkOptions,
  StreamOptions,
  UnaryOptions,
} from './rpc/options.js';
export type { CastState, Confirmed, Outcome, Receipt, Receipts, Undeliverable } from './rpc/receipt.js';
export type { Draining, DrainOptions } from './rpc/drain.js';
export type { DrainReport } from './rpc/drain-report.js';
export { type Answer, type Request, requests, type Requests, type WholeStream } from './rpc/requests.js';
export type { Description, MethodDescription } from './rpc/service.js';
export type { Served, ServeOptions } from './rpc/services.js';
export { settle } from './rpc/settle.js';
export type { Settled } from './rpc/settled.js';
export type { HandlerContext } from './rpc/work.js';
