import type { Observable } from 'rxjs';
import type { Context } from '../core/context.js';
import type { ErrorRecord, Meta, MethodName, RequestEnvelope, StreamTerms } from '../core/envelope.js';
import type { SkeinError } from '../core/errors.js';
import type { Target } from '../core/target.js';
import type { Timed } from '../core/timed.js';
import type { Registration } from './matchmaker.js';
import type { StreamSide, StreamWay } from './stream-way.js';

/** How one of a topic's servers is chosen for each request. */
export type Balance = 'least-loaded' | 'round-robin' | 'hash';

/** A method as a client calls it: one object for all its requests, so that whoever keeps something for it can key by it. */
export type Operation = Omit<MethodName, 'server'>;

/** Who has a request in hand, and is told when its sender no longer wants it. */
export interface Holder {
  /** The request has been settled by its sender's side, at that instant (epoch ms): leave it out, or take it back. */
  withdraw(request: Outgoing, at: number): void;
  /** The other end has settled it, at that instant (epoch ms), with that error if it failed; or it can no longer be known. */
  answered(request: Outgoing, at: number, error?: SkeinError): void;
  /** It was not started by who it was given to, at that instant (epoch ms): it may go elsewhere, or fails with that error. */
  returned(request: Outgoing, at: number, error: SkeinError): void;
  /** Why a request whose time is up got no further, where there is more to say than that. */
  explain?(request: Outgoing): SkeinError | undefined;
}

/** The sender's side of a stream. */
export interface SentStream extends StreamSide, StreamTerms {
  /** Its opening leaves by that way, at that instant (epoch ms). */
  leave(way: StreamWay, now: number): void;
}

/** The side of a stream that serves it. */
export interface ServedStream extends StreamSide {
  /** The request has its answer: what came is still to be had. */
  fail(reason: SkeinError): void;
  /** No one waits for an answer any more. */
  abort(reason: SkeinError): void;
}

/**
 * A request on its way out, from its sender to the transport. It is settled exactly once, by whoever is first: the transport
 * by {@link reply}, {@link accept}, {@link done} or {@link fail}, or the sender, who then tells the holder.
 */
export abstract class Outgoing implements RequestEnvelope, Timed {
  abstract readonly kind: RequestEnvelope['kind'];
  abstract readonly operation: Operation;
  /** That server only; never another. */
  abstract readonly pinned: string | undefined;
  abstract readonly balance: Balance;
  /** What `hash` chooses by. */
  abstract readonly key: string | undefined;
  readonly id: number;
  payload: unknown;
  readonly bytes: number;
  meta: Meta | undefined;
  /** Put off where it is a stream, once that is open. */
  deadline: number;
  /** Of an opening. */
  readonly stream: SentStream | undefined = undefined;
  earlier: Timed | undefined = undefined;
  later: Timed | undefined = undefined;
  tick = 0;
  /** Set as it is sent: the method's index on that wire, the time that is left, and when that was (epoch ms). */
  method = 0;
  ttlMs = 0;
  sentAt = 0;
  /** The server that it was given to, and the run of its node that it was sent to; empty as long as there is none. */
  server = '';
  incarnation = '';
  /** Where another run must not get it: the one run that may. */
  boundTo: string | undefined = undefined;
  /** How often the transport has given it to another server by itself. */
  moves = 0;
  holder: Holder | undefined = undefined;
  /** Whether it has left on a wire and did not come back, so that it may have been started. */
  wasSent = false;
  isSettled = false;

  constructor(id: number, payload: unknown, bytes: number, meta: Meta | undefined, deadline: number) {
    this.id = id;
    this.payload = payload;
    this.bytes = bytes;
    this.meta = meta;
    this.deadline = deadline;
  }

  /** The call's value. */
  abstract reply(payload: unknown): void;
  /** The cast was admitted by its server; it is settled then, unless its sender waits for more. */
  abstract accept(): void;
  /** The cast's handler ended well, or the stream's items have all come. */
  abstract done(): void;
  /** Its handler is at work. */
  abstract working(): void;
  abstract fail(error: SkeinError): void;
  abstract expire(): void;
  /** Whether an answer is an error that the method may well give, so that it says nothing against its server. */
  abstract expects(error: SkeinError): boolean;
}

/** Who sent a request. */
export interface Caller {
  /** Its node's incarnation and name. */
  readonly id: string;
  readonly node: string;
  readonly address: string;
}

/**
 * A request that arrived, from the transport to the one who serves. It is answered at most once, by {@link reply},
 * {@link done}, {@link fail} or {@link refuse}; later answers, and those to who has gone, are dropped.
 */
export abstract class Incoming implements Timed {
  readonly kind: RequestEnvelope['kind'];
  /** What is asked for, and of which server. */
  readonly target: MethodName;
  readonly id: number;
  payload: unknown;
  readonly meta: Meta | undefined;
  readonly caller: Caller;
  /** What was left of its time when it arrived, in ms. */
  readonly ttlMs: number;
  /** Put off where the caller asks again, and has more time, or a stream is open. */
  deadline: number;
  /** Of an opening: its terms, and the side that serves it once it is at work. */
  readonly terms: StreamTerms | undefined;
  stream: ServedStream | undefined = undefined;
  earlier: Timed | undefined = undefined;
  later: Timed | undefined = undefined;
  tick = 0;
  isSettled = false;

  constructor({ kind, id, payload, meta, ttlMs, stream }: RequestEnvelope, target: MethodName, caller: Caller, deadline: number) {
    this.kind = kind;
    this.target = target;
    this.id = id;
    this.payload = payload;
    this.meta = meta;
    this.ttlMs = ttlMs;
    this.terms = stream;
    this.caller = caller;
    this.deadline = deadline;
  }

  /** Whoever serves says that the request left its mailbox: its credit goes back to the sender. */
  abstract leave(): void;
  /** Answers a call. The payload was measured to weigh `bytes`. */
  abstract reply(payload: unknown, bytes: number): void;
  /** A cast's handler ended, or a stream has sent all its items. */
  abstract done(): void;
  /** The handler is at work: the stream is open. */
  abstract working(): void;
  /** The link by which it came, for what a stream has to say. */
  abstract readonly way: StreamWay;
  /** It was started, and failed. */
  abstract fail(error: ErrorRecord): void;
  /** It was not started, and will not be. With `keepsCredit`, its credit goes back by {@link leave} only. */
  abstract refuse(error: ErrorRecord, keepsCredit?: boolean): void;
  abstract expire(): void;
  /** No one waits for an answer any more: later ones are dropped, and who works on it is told by {@link onCancel}. */
  cancel(reason: SkeinError): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.payload = undefined;
    this.onCancel?.(reason);
    this.stream?.abort(reason);
  }
  /** Set by whoever serves, while it has something to stop. */
  onCancel: ((reason: SkeinError) => void) | undefined = undefined;
}

/** Takes the requests of one method in. */
export interface Desk {
  /** Runs the request, keeps it for later or refuses it; never throws. */
  admit(request: Incoming): void;
}

/** One server of a topic, as it offers itself. */
export interface Endpoint extends Required<Target> {
  readonly server: string;
  readonly version: string;
  readonly namespace: string;
  readonly labels: Context;
  /** Where a method's requests go, or why they go nowhere. */
  find(method: MethodName): Desk | SkeinError;
}

/** Another node, as this one knows it. */
export interface Peer {
  /** Its incarnation, as far as it is known. */
  readonly id: string;
  /** The servers that it is known to run, separated by commas; of a caller, its node's name. */
  readonly server: string;
  readonly address: string;
  readonly labels: Context;
  readonly state: 'connecting' | 'live' | 'suspect' | 'lost' | 'left';
  /** What its state comes from. */
  readonly why: string;
}

/** Sends requests to targets, and listens on them. */
export abstract class Transport {
  /** The peers that this node has, or had until lately, something to say to. */
  abstract readonly peers$: Observable<readonly Peer[]>;
  /** The servers of all topics, from the first time that the directory tells of them, and at every change; an outage changes nothing. */
  abstract readonly servers$: Observable<readonly Registration[]>;
  /** Takes a request, which must not be settled yet, and settles it sooner or later; never throws. */
  abstract send(request: Outgoing): void;
  /** Whether all that is to be said has been: no request waits here or is unanswered, and no answer is still on its way out. */
  abstract readonly isFlushed: boolean;
  /** Tells all who may send to this node that all is done that was let in, and that nothing more will be. */
  abstract leave(): void;
  /** Whether they have heard that, and all that was said before. */
  abstract readonly hasLeft: boolean;
  /**
   * The servers at this moment of the operation's topic, namespace and major version, those that are too old for it included.
   * Waits until the directory has told of the topic once, and errors where it cannot, and with `unsupported-version` where there
   * are only servers of other namespaces and majors.
   */
  abstract servers(operation: Operation): Observable<readonly string[]>;
  /** Listens while subscribed. Emits each time that the directory lists the server; completes where a newer one took its name. */
  abstract serve(endpoint: Endpoint): Observable<'registered'>;
}
