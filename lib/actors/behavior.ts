import type { Observable } from 'rxjs';
import type { Overflow } from '../core/overflow.js';
import type { Call } from '../operators/lazy-call.js';
import type { Stream } from '../operators/stream.js';
import type { Clock } from '../ports/clock.js';
import type { ActorStatus, Stopped } from './actor.js';
import type { AskOptions } from './ask.js';
import type { Strategy, Supervise } from './supervision.js';

/**
 * What an actor does: messages in, events out. It runs from the actor's start, and anew at each restart; when it completes, the
 * actor stops; when it fails, its supervision decides. The mailbox empties as `message$` is consumed, by one subscriber at a time.
 */
export type Behavior<M, Event = never> = (message$: Stream<M>, self: Self<M>) => Observable<Event> | AsyncIterable<Event>;

declare const types: unique symbol;

/** A behaviour that is a reducer, made by `stateful`. It can be resumed, for its state outlives a message that failed. */
export interface Stateful<M, S> extends Behavior<M, S> {
  readonly [types]: S;
}

/** What a message makes of the state; it may take its time, and the next message waits until then. */
export type Step<M, S> = (state: S, message: M, self: Self<M>) => S | PromiseLike<S>;

/** An actor, as its own behaviour sees it in one run. */
export interface Self<in M = never> {
  readonly path: string;
  /** Aborts at the end of this run: as the actor stops, or fails and is restarted. */
  readonly signal: AbortSignal;
  /** The node's, which tests let stand still. */
  readonly clock: Clock;
  /** Starts a child, which stops with this run. Throws `invalid-argument`, `closed` once the run is over, or `overloaded`. */
  readonly spawn: Spawn;
  /** To itself; as an `ActorRef` does. */
  send(message: M): PromiseLike<void>;
}

/** Starts an actor at the end of this turn, so that whoever spawns it can listen before. */
export interface Spawn {
  <M, S>(behavior: Stateful<M, S>, options?: SpawnOptions<Strategy | 'resume'>): ActorRef<M, S>;
  <M, Event>(behavior: Behavior<M, Event>, options?: SpawnOptions): ActorRef<M, Event>;
}

export interface SpawnOptions<S = Strategy> {
  /** Unique among its siblings; it may have no `/`. Default: `actor-1`, and so on. */
  readonly name?: string | undefined;
  readonly mailbox?: MailboxBounds | undefined;
  /** What becomes of it when its behaviour fails, by the error or in any case. Default `restart`. */
  readonly supervise?: Supervise<S> | undefined;
}

export interface MailboxBounds {
  /** Messages that may wait; default 1,024, and with `latest` always 1. */
  readonly max?: number | undefined;
  /**
   * What becomes of one more. `fail`, the default, refuses it with `overloaded`; `block` lets its sender wait, as 16,384 may;
   * `drop-oldest` and `drop-newest` let go of one, and `latest` of all but the newest: senders are not told, but it is counted.
   */
  readonly overflow?: Overflow | undefined;
}

/** An actor, to whoever may talk to it. Disposing of it stops it. */
export interface ActorRef<in M, out Event = unknown> extends AsyncDisposable {
  /** Where it stands in the node's tree. */
  readonly path: string;
  /** What it emits from now on, over restarts; completes when it stops. It never errors. */
  readonly event$: Observable<Event>;
  /** How it is, with all below it, now and after changes. */
  readonly status$: Observable<ActorStatus>;
  /** Says once why it stopped, and completes, be it long ago: death watch. */
  readonly stopped$: Observable<Stopped>;
  /**
   * Sends at once. What comes back resolves when the message is in the mailbox, and rejects with `overloaded` or `closed`; ignoring
   * it is safe. The message is taken once this turn is over, at the earliest.
   */
  send(message: M): PromiseLike<void>;
  /**
   * Sends a message that carries the way to reply, at each subscription or once when awaited. Fails with `deadline-exceeded`,
   * `cancelled`, `overloaded`, or `closed` where the actor stops, or fails, before it replied.
   */
  ask<R>(question: (reply: (value: R) => void) => M, options?: AskOptions): Call<R>;
  /** Its children, last spawned first, and then itself, at once; idempotent. */
  stop(): void;
}
