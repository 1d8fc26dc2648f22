import type { Subject } from 'rxjs';
import type { Ambient } from './ambient.js';
import type { DeadlineWheel } from '../operators/deadline-wheel.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import type { Logger } from '../ports/logger.js';
import type { Meter } from '../ports/meter.js';
import type { Random } from '../ports/random.js';
import type { Operation, Transport } from '../ports/transport.js';
import type { DrainReport } from './drain-report.js';
import type { Interceptors } from './interceptor.js';
import type { Undeliverable } from './receipt.js';

/** A request that a client's interceptors have in hand. */
export interface Passing {
  readonly operation: Operation;
  /** Whether it is with them alone: nothing of it is under way, or waits here to be read. */
  readonly isHeld: boolean;
  /** Its node has closed: ends it if it is held, whatever they do. What has come of a stream may still be read, and is theirs then. */
  close(): void;
}

/** What calls, casts and services of one node share. */
export interface RpcPorts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly wheel: DeadlineWheel;
  /** The work that the present handler does; what it calls in turn inherits its deadline, its cancellation and its context. */
  readonly ambient: Ambient;
  readonly interceptors: Interceptors;
  /** All requests that have not left the client's interceptors. */
  readonly passing: Set<Passing>;
  /** Casts whose failure no one watches. */
  readonly undeliverable$: Subject<Undeliverable>;
  readonly nextId: () => number;
  /** Whether new work may begin: not while the node drains, unless it is part of work that was accepted before, and not once it is closed. */
  readonly life: { state: 'open' | 'draining' | 'closed' };
  /** For a whole request where nothing else says so, in ms. */
  readonly timeoutMs: number;
  /** The node's name. */
  readonly node: string;
  /** Begins to drain the node; resolves with what it could not finish, before it closes. */
  readonly drainNode: () => Promise<DrainReport>;
  /** Whether others may ask the node to drain. */
  readonly remoteDrain: boolean;
  /** Whether callers get to see the stack of a handler's error. */
  readonly sendStacks: boolean;
}
