import type { Context } from './context.js';
import { limits } from './limits.js';

/** The protocol's major version; peers of another one are refused with a goodbye. */
export const protocolMajor = 1;

/** What an envelope is. The numbers are the wire's (docs/protocol.md): those below 16 cost one byte, so the frequent kinds have them. */
export const Kind = {
  call: 0,
  cast: 1,
  reply: 2,
  error: 3,
  refuse: 4,
  accept: 5,
  done: 6,
  cancel: 7,
  credit: 8,
  method: 9,
  attach: 10,
  heartbeat: 11,
  open: 12,
  item: 13,
  demand: 14,
  end: 15,
  hello: 16,
  welcome: 17,
  goodbye: 18,
  working: 19,
  part: 20,
  parted: 21,
  run: 22,
} as const;

export type Kind = (typeof Kind)[keyof typeof Kind];

/** What may travel beside a request's payload; what a reader does not know, it ignores. */
export interface Meta {
  readonly context?: Context | undefined;
  /** W3C trace context. */
  readonly traceparent?: string | undefined;
  /** `done` where a cast's sender wants to know that its handler ended. */
  readonly confirm?: 'done' | undefined;
  /** Of a request that may be repeated: how often it has been. The server remembers it, and runs it once. */
  readonly attempt?: number | undefined;
  /** Where the sender wants proof that the handler is at work: after how long without it the sender gives up, in ms. */
  readonly silenceMs?: number | undefined;
}

/** What opens a stream, beside what any request says. */
export interface StreamTerms {
  /** What is left of the time that the whole may take, in whole ms; 0 where it may take any. Its `ttlMs` is for the opening alone. */
  readonly wholeMs: number;
  /** How much the listening side may send before it is given more; 0 where nothing but one reply comes back. */
  readonly credit: number;
}

/** A call, a cast or the opening of a stream: one request of the dialling side, which costs one credit. */
export interface RequestEnvelope {
  readonly kind: typeof Kind.call | typeof Kind.cast | typeof Kind.open;
  /** Rises with each new request of one incarnation; a repeated request keeps its own. */
  readonly id: number;
  /** As a method envelope earlier on this wire numbered it. */
  readonly method: number;
  /** What is left of the request's time, in whole ms, at least 1. */
  readonly ttlMs: number;
  readonly payload: unknown;
  /** What the payload weighs, as the codec measured it before it was sent; 0 of what was received. */
  readonly bytes: number;
  readonly meta: Meta | undefined;
  /** Of an opening. */
  readonly stream?: StreamTerms | undefined;
}

/** One value of a stream, on its way in either direction, in order. */
export interface ItemEnvelope {
  readonly kind: typeof Kind.item;
  readonly id: number;
  readonly payload: unknown;
  readonly bytes: number;
  /** The credit that it takes. Whoever has any left may send it. */
  readonly cost: number;
}

/** The credit that an item of so many bytes takes: one, and one more for each whole 8 KiB. */
export const costOfItem = (bytes: number): number => 1 + Math.floor(bytes / limits.itemUnitBytes);

/** So much more may be sent by the other side of that stream. */
interface DemandEnvelope {
  readonly kind: typeof Kind.demand;
  /** How many were consumed, for which this goes back. */
  readonly items: number;
  readonly id: number;
  readonly count: number;
}

/** The dialling side has sent all items of that stream. */
interface EndEnvelope {
  readonly kind: typeof Kind.end;
  readonly id: number;
}

/** The handler of that request is at work; a stream is open from the first of these on. */
interface WorkingEnvelope {
  readonly kind: typeof Kind.working;
  readonly id: number;
}

/** A part of a payload that is too large to go at once; the record that it belongs to follows the last one, in a message of its own. */
export interface PartEnvelope {
  readonly kind: typeof Kind.part;
  /** Of all its parts. */
  readonly id: number;
  /** Bytes that are still to come. */
  readonly left: number;
  readonly payload: Uint8Array;
  readonly bytes: number;
}

/** So many bytes of parts were read. */
interface PartedEnvelope {
  readonly kind: typeof Kind.parted;
  readonly count: number;
}

/** The one value that a call is answered with. */
interface ReplyEnvelope {
  readonly kind: typeof Kind.reply;
  readonly id: number;
  readonly payload: unknown;
  readonly bytes: number;
}

/** An error as it travels; what a reader does not know, it ignores. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
  /** Of a handler's error: its name, and the chain of its causes. */
  readonly name?: string | undefined;
  readonly cause?: ErrorRecord | undefined;
  /** Only where the server's configuration says so. */
  readonly stack?: string | undefined;
}

/** The request's handler was started, and failed. */
interface ErrorEnvelope {
  readonly kind: typeof Kind.error;
  readonly id: number;
  readonly error: ErrorRecord;
}

/** The request was not started, and will not be. */
interface RefuseEnvelope {
  readonly kind: typeof Kind.refuse;
  readonly id: number;
  readonly error: ErrorRecord;
  /** Which of the request's attempts was refused: as it came, 0 by default. A later one may be on its way. */
  readonly attempt?: number | undefined;
}

/** Settles the `count` oldest casts of this wire that no accept has counted yet: all of them are admitted, except those that were refused by id before. */
interface AcceptEnvelope {
  readonly kind: typeof Kind.accept;
  readonly count: number;
  /** The newest of them, by which the sender knows that none was lost on the way. */
  readonly id: number;
}

/** A cast's handler ended well, which is sent only where its meta asked for it; or all items of a stream were sent. */
interface DoneEnvelope {
  readonly kind: typeof Kind.done;
  readonly id: number;
}

/** The dialling side no longer wants the request done; or the listening side wants no more items of that stream. */
interface CancelEnvelope {
  readonly kind: typeof Kind.cancel;
  readonly id: number;
}

/** So many more requests may be sent on this wire. */
interface CreditEnvelope {
  readonly kind: typeof Kind.credit;
  readonly count: number;
}

/** The method that an index stands for on this wire, and the server that is to run it. */
export interface MethodName {
  readonly exchange: string;
  readonly topic: string;
  readonly server: string;
  readonly namespace: string;
  readonly version: string;
  readonly method: string;
}

/** Gives a method its index, before the first request that uses it; an index given again means the newer method from there on. */
export interface MethodEnvelope {
  readonly kind: typeof Kind.method;
  readonly index: number;
  readonly name: MethodName;
}

interface HeartbeatEnvelope {
  readonly kind: typeof Kind.heartbeat;
}

/** What came of the casts on the wire that a link had before this one. */
export interface Resumption {
  /** How many arrived, and the newest of them. */
  readonly casts: number;
  readonly id: number;
  /** Those of them that were refused. */
  readonly refused: readonly number[];
}

/** The dialling side's first envelope; what a reader does not know, it ignores. */
export interface HelloEnvelope {
  readonly kind: typeof Kind.hello;
  readonly major: number;
  readonly node: string;
  readonly incarnation: string;
  readonly features: readonly string[];
  /** How often it sends something, in ms. */
  readonly heartbeatMs: number;
  /** The dialling side's number for the link that this wire is for: it stays the same when the wire is another. */
  readonly link?: number | undefined;
}

/** The listening side's answer; only after it may requests be sent, as many as `credit` says. */
export interface WelcomeEnvelope {
  readonly kind: typeof Kind.welcome;
  readonly major: number;
  readonly node: string;
  readonly incarnation: string;
  readonly features: readonly string[];
  readonly heartbeatMs: number;
  readonly credit: number;
  /** Where the link had a wire before, and this side still knows what came by it. */
  readonly resumption?: Resumption | undefined;
}

/** The last envelope of either side: why it leaves, or why it does not let the other one in. */
export interface GoodbyeEnvelope {
  readonly kind: typeof Kind.goodbye;
  readonly code: string;
  readonly reason: string;
  /** Of one who has drained: how many records it has said on this wire before, by which the other side knows that it has heard all. */
  readonly said?: number | undefined;
}

/** One record on the wire. */
export type Envelope =
  | RequestEnvelope
  | ItemEnvelope
  | DemandEnvelope
  | EndEnvelope
  | WorkingEnvelope
  | PartEnvelope
  | PartedEnvelope
  | ReplyEnvelope
  | ErrorEnvelope
  | RefuseEnvelope
  | AcceptEnvelope
  | DoneEnvelope
  | CancelEnvelope
  | CreditEnvelope
  | MethodEnvelope
  | HeartbeatEnvelope
  | HelloEnvelope
  | WelcomeEnvelope
  | GoodbyeEnvelope;
