import type { Backlog } from '../../core/backlog.js';
import { type Envelope, Kind } from '../../core/envelope.js';
import { SkeinError } from '../../core/errors.js';
import type { Strand, StreamSide, StreamWay } from '../../ports/stream-way.js';
import type { Inflow } from './inflow.js';
import type { Outflow } from './outflow.js';

/** One side of a stream: what comes in, what goes out, and what is to be said of either, in its order. */
export class Flows implements StreamSide, Strand {
  readonly id: number;
  inflow: Inflow | undefined;
  outflow: Outflow | undefined;
  awakeOn: StreamWay | undefined;
  #way: StreamWay | undefined;
  /** What is to be said beside items and credit: that no more of them are wanted, or will come. */
  readonly #words: Envelope[] = [];
  #isClosed = false;

  constructor(id: number) {
    this.id = id;
  }

  /** From here on it goes by that way. */
  attach(way: StreamWay): void {
    this.#way = way;
    if (this.hasReady) way.wake(this);
  }

  wake(): void {
    this.#way?.wake(this);
  }

  /** Says it once what went before has left. */
  say(kind: typeof Kind.end | typeof Kind.cancel): void {
    this.#words.push({ kind, id: this.id });
    this.wake();
  }

  get hasReady(): boolean {
    if (this.#isClosed) return false;
    return this.#words.length > 0 || this.inflow?.isOwing === true || this.outflow?.hasReady === true;
  }

  fill(batch: Envelope[], max: number): number {
    const owed = this.inflow?.takeOwed();
    if (owed) batch.push({ kind: Kind.demand, id: this.id, ...owed });
    const bytes = this.outflow?.fill(batch, max) ?? 0;
    batch.push(...this.#words.splice(0));
    return bytes;
  }

  get backlogs(): readonly Backlog[] {
    return [this.inflow, this.outflow].flatMap((flow) => flow?.backlogs ?? []);
  }

  item(payload: unknown, cost: number): void {
    if (!this.inflow) throw misdirected('items');
    this.inflow.item(payload, cost);
  }

  demand(count: number, items: number): void {
    if (!this.outflow) throw misdirected('demand');
    this.outflow.demand(count, items);
  }

  end(): void {
    if (!this.inflow) throw misdirected('an end');
    this.inflow.end();
  }

  stop(): void {
    if (!this.outflow) throw misdirected('a cancel');
    this.outflow.close();
  }

  broken(error: SkeinError): void {
    this.outflow?.fail(error);
  }

  /** It is over: what comes in ends, and what goes out is let go of. */
  close(): void {
    this.#letGo();
    this.inflow?.end();
  }

  /** It has failed, which is told behind what has come. */
  fail(error: SkeinError): void {
    this.#letGo();
    this.inflow?.end(error);
  }

  /** No one is to get any more of it. */
  abort(error: SkeinError): void {
    this.#letGo();
    this.inflow?.abort(error);
  }

  #letGo(): void {
    this.#isClosed = true;
    this.outflow?.close();
  }
}

const misdirected = (what: string): SkeinError =>
  new SkeinError('protocol-error', { reason: `${what} came for a stream that does not go that way` });
