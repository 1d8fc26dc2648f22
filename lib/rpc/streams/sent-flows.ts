import type { Clock } from '../../ports/clock.js';
import type { StreamWay } from '../../ports/stream-way.js';
import type { SentStream } from '../../ports/transport.js';
import { Flows } from './flows.js';

/** Counts the items that the server has consumed. */
export class Progress {
  readonly #tell: (consumed: number) => void;
  #consumed = 0;
  #sent = 0;

  constructor(tell: (consumed: number) => void) {
    this.#tell = tell;
  }

  sent(): void {
    this.#sent += 1;
  }

  consumed(items: number): void {
    if (items === 0) return;
    this.#consumed += items;
    this.#tell(this.#consumed);
  }

  /** The server is done with all of them. */
  complete(): void {
    if (this.#consumed < this.#sent) this.#tell(this.#sent);
  }
}

/** The client's side of a stream. */
export class SentFlows extends Flows implements SentStream {
  readonly credit: number;
  readonly #wholeDeadline: number;
  readonly #clock: Clock;
  progress: Progress | undefined;
  wholeMs = 0;

  /** `credit` is what the server may send, and `wholeDeadline` when all must be over: epoch ms, or Infinity. */
  constructor(id: number, credit: number, wholeDeadline: number, clock: Clock) {
    super(id);
    this.credit = credit;
    this.#wholeDeadline = wholeDeadline;
    this.#clock = clock;
  }

  leave(way: StreamWay): void {
    this.wholeMs = this.#wholeDeadline === Infinity ? 0 : Math.max(1, Math.ceil(this.#wholeDeadline - this.#clock.now()));
    this.attach(way);
  }
}
