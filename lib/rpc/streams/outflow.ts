import { defer, Subscription } from 'rxjs';
import type { Backlog } from '../../core/backlog.js';
import { costOfItem, type Envelope, type ItemEnvelope, Kind } from '../../core/envelope.js';
import { limits } from '../../core/limits.js';
import { Ring } from '../../core/ring.js';
import { pull, type Source } from '../../operators/pull.js';
import { Asks, type Produce, unasked } from '../../operators/stream.js';
import type { Codec } from '../../ports/codec.js';
import type { Outcome } from '../first-value.js';

/** What an outflow needs of its stream. */
export interface OutflowEnds {
  readonly codec: Codec;
  /** It has something to say. */
  readonly wake: () => void;
  /** Asks within the work that it is part of. */
  readonly within: (ask: () => void) => void;
  /** Told what its source threw where nobody asked it for anything, as on its way out. */
  readonly stray: (error: unknown) => void;
  /** Told of each item as it leaves, and how many the other side has consumed. */
  readonly progress?: { sent(): void; consumed(items: number): void } | undefined;
  /** All items have left, or it failed; behind those that were there before. */
  readonly over: Outcome;
}

/**
 * The items of a stream on their way out: they are asked of their source as far as the other side gave credit, and stay here until
 * the wire has room. So the source is never further ahead than the credit, nor than {@link limits.aheadMax} items and about 1 MiB.
 */
export class Outflow {
  readonly #id: number;
  readonly #produce: Produce<unknown>;
  /** What its source keeps, where `bounded` has made it. */
  #gathered: Backlog | undefined;
  readonly #ends: OutflowEnds;
  readonly #held = new Ring<ItemEnvelope>(limits.aheadMax);
  #credit = 0;
  /** What was asked of the source and has not come, and the most that is asked for, by the heaviest item so far. */
  #asked = 0;
  #aheadMax = 1;
  #heaviest = 1;
  readonly #asks = new Asks();
  /** Items that have left. */
  #left = 0;
  readonly #source = new Subscription();
  #end: { readonly error?: unknown } | undefined;
  #isTold = false;
  /** While whoever asks its source looks afterwards for what has come, so that not each item wakes the link. */
  #looksAfterwards = false;

  /** Throws `invalid-argument` for a source that cannot be held back. */
  constructor(id: number, source: unknown, ends: OutflowEnds) {
    this.#id = id;
    this.#produce = pull(source as Source<unknown>, (backlog) => (this.#gathered = backlog));
    this.#ends = ends;
  }

  /** Items that wait for the wire, and those that its source gathers where it cannot wait. */
  get backlogs(): readonly Backlog[] {
    const { size, max } = this.#held;
    return [
      { name: 'items to be sent', depth: size, max, overflow: 'block', dropped: 0 },
      ...(this.#gathered ? [this.#gathered] : []),
    ];
  }

  /** Whether its source has failed. */
  get hasFailed(): boolean {
    return this.#end !== undefined && 'error' in this.#end;
  }

  get hasReady(): boolean {
    return (this.#credit > 0 && this.#held.size > 0) || (this.#end !== undefined && !this.#isTold && this.#held.size === 0);
  }

  /** Subscribes to its source. */
  begin(): void {
    if (this.#isTold) return;
    this.#ends.within(() => {
      this.#source.add(
        defer(() => this.#produce(this.#asks.credit$)).subscribe({
          next: (item) => {
            this.#take(item);
          },
          error: (error: unknown) => {
            this.#finish({ error });
          },
          complete: () => {
            this.#finish({});
          },
        }),
      );
    });
    this.#ask();
  }

  /** So much more may be sent, since so many items were consumed. */
  demand(count: number, items: number): void {
    this.#ends.progress?.consumed(items);
    this.#credit += count;
    this.#looksAfterwards = true;
    this.#ask();
    this.#looksAfterwards = false;
    if (this.hasReady) this.#ends.wake();
  }

  /** Nothing more is wanted of it: lets go of its source. */
  close(): void {
    this.#isTold = true;
    this.#held.drain();
    this.#leave();
  }

  /** What was to be sent cannot be. */
  fail(error: unknown): void {
    if (this.#isTold) return;
    this.close();
    this.#ends.over.error(error);
  }

  fill(batch: Envelope[], max: number): number {
    let bytes = 0;
    let left = 0;
    this.#looksAfterwards = true;
    while (batch.length < max && bytes < limits.batchBytesMax && this.#credit > 0) {
      const item = this.#held.shift() ?? this.#next();
      if (!item) break;
      this.#credit -= item.cost;
      bytes += item.bytes;
      left += 1;
      batch.push(item);
      this.#ends.progress?.sent();
    }
    for (; left > 0; left -= 1) this.#asks.finish(this.#left++);
    this.#ask();
    this.#looksAfterwards = false;
    this.#tellEnd();
    return bytes;
  }

  /** Asks for more, which comes at once where it is there. */
  #next(): ItemEnvelope | undefined {
    this.#ask();
    return this.#held.shift();
  }

  #ask(): void {
    const open = Math.min(this.#credit, this.#aheadMax) - this.#held.size - this.#asked;
    if (open <= 0 || this.#end || this.#isTold) return;
    this.#asked += open;
    this.#ends.within(() => {
      try {
        this.#asks.ask(open);
      } catch (error) {
        this.#ends.stray(error);
      }
    });
  }

  #leave(): void {
    try {
      this.#source.unsubscribe();
    } catch (error) {
      this.#ends.stray(error);
    }
  }

  #take(value: unknown): void {
    if (this.#isTold || this.#end) return;
    let bytes: number;
    let payload: unknown;
    try {
      if (this.#asked === 0) throw unasked();
      bytes = this.#ends.codec.measure(value);
      payload = this.#ends.codec.keep(value);
    } catch (error) {
      this.#leave();
      this.#finish({ error });
      return;
    }
    this.#asked -= 1;
    if (bytes > this.#heaviest || this.#aheadMax === 1) {
      this.#heaviest = Math.max(bytes, this.#heaviest);
      this.#aheadMax = Math.max(1, Math.min(limits.aheadMax, Math.floor(limits.aheadBytesMax / this.#heaviest)));
    }
    this.#held.push({ kind: Kind.item, id: this.#id, payload, bytes, cost: costOfItem(bytes) });
    if (!this.#looksAfterwards) this.#ends.wake();
  }

  #finish(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    if (!this.#looksAfterwards) this.#ends.wake();
  }

  #tellEnd(): void {
    if (!this.#end || this.#isTold || this.#held.size > 0) return;
    this.#isTold = true;
    if ('error' in this.#end) this.#ends.over.error(this.#end.error);
    else this.#ends.over.value(undefined);
  }
}
