import type { Backlog } from '../core/backlog.js';
import type { Envelope } from '../core/envelope.js';
import type { SkeinError } from '../core/errors.js';

/** What one side of a stream has to say; it stays there until the link has room for it. */
export interface Strand {
  /** Whether {@link fill} would add something. */
  readonly hasReady: boolean;
  /** Adds what may be said now, in order, until the batch holds `max` records; says what its payloads weigh, in bytes. */
  fill(batch: Envelope[], max: number): number;
  /** Of the way: where it waits for its turn. */
  awakeOn: StreamWay | undefined;
}

/** The link that a stream goes by, as the stream sees it. */
export interface StreamWay {
  /** The strand has something to say. */
  wake(strand: Strand): void;
}

/** One side of a stream, as its link sees it. Throws `protocol-error` for what the other side may not say. */
export interface StreamSide {
  /** An item came, which took so much credit. */
  item(payload: unknown, cost: number): void;
  /** So much more may be sent, since so many items were consumed. */
  demand(count: number, items: number): void;
  /** The other side has sent all its items. */
  end(): void;
  /** The other side wants no more items. */
  stop(): void;
  /** What it keeps of either way. */
  readonly backlogs: readonly Backlog[];
  /** An item that was about to be sent cannot be. */
  broken(error: SkeinError): void;
}
