import type { Context } from '../core/context.js';
import type { SkeinError } from '../core/errors.js';
import type { Incoming, Peer } from '../ports/transport.js';

/** What a handler knows of the request that it works on. */
export interface HandlerContext<Open = unknown> {
  /** Of this request; a repeated one has it again. */
  readonly id: string;
  readonly peer: Peer;
  readonly context: Context;
  /** W3C trace context, as the caller sent it. */
  readonly traceparent: string | undefined;
  /** Aborts on cancellation, deadline and link loss; its reason is a SkeinError. */
  readonly signal: AbortSignal;
  /** Epoch ms by the node's clock; of a stream, when all of it must be over, which is far off where its caller set no deadline. */
  readonly deadline: number;
  /** What a sink or a channel was opened with. */
  readonly open: Open;
}

const noContext: Context = {};

/** One request at work: what its handler knows, and what is to stop with it. */
export class Work implements HandlerContext {
  readonly #request: Incoming;
  #owner: object | undefined;
  #abort: AbortController | undefined;
  #stops: Set<(reason: SkeinError) => void> | undefined;
  #cancelled: SkeinError | undefined;
  #context: Context | undefined;
  #isIntercepted = false;
  #isOpen = false;
  open: unknown = undefined;

  constructor(request: Incoming) {
    this.#request = request;
  }

  /** Says whose work it is, as it begins. Private, since handlers may hand it on as options. */
  own(owner: object): void {
    this.#owner = owner;
  }

  isOf(owner: object): boolean {
    return this.#owner === owner;
  }

  get id(): string {
    return `${this.#request.caller.id}/${String(this.#request.id)}`;
  }

  get peer(): Peer {
    const { id, node, address } = this.#request.caller;
    return { id, server: node, address, labels: {}, state: 'live', why: 'it sent this request' };
  }

  /** Whether there is a context to pass on. */
  get hasContext(): boolean {
    return (this.#context ?? this.#request.meta?.context) !== undefined;
  }

  get context(): Context {
    return this.#context ?? this.#request.meta?.context ?? noContext;
  }

  /** Set by an interceptor that hands the request on with another one. */
  set context(context: Context) {
    if (context !== this.context) this.#context = context;
  }

  get traceparent(): string | undefined {
    return this.#request.meta?.traceparent;
  }

  /** Interceptors stand around its handler, and may call that later: they say when it is at work. */
  intercept(): void {
    this.#isIntercepted = true;
  }

  get isIntercepted(): boolean {
    return this.#isIntercepted;
  }

  /** Its handler is at work, or has been stood in for: to who opened it, the stream is open. */
  working(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#request.working();
  }

  get deadline(): number {
    return this.#request.deadline;
  }

  /** Made when it is first asked for, since most handlers do not. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#cancelled) this.#abort.abort(this.#cancelled);
    }
    return this.#abort.signal;
  }

  /** Why no one waits for the answer any more. */
  get cancelled(): SkeinError | undefined {
    return this.#cancelled;
  }

  cancel(reason: SkeinError): void {
    if (this.#cancelled) return;
    this.#cancelled = reason;
    this.#abort?.abort(reason);
    const stops = this.#stops;
    this.#stops = undefined;
    for (const stop of stops ?? []) stop(reason);
  }

  /** Calls `stop` if the work is cancelled, at once if it is already; gives back what takes that back. */
  onCancel(stop: (reason: SkeinError) => void): () => void {
    if (this.#cancelled) stop(this.#cancelled);
    this.#stops ??= new Set();
    this.#stops.add(stop);
    return () => {
      this.#stops?.delete(stop);
    };
  }
}
