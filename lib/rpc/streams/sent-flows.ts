import { limits } from '../../core/limits.js';
import { Ring } from '../../core/ring.js';
import type { Clock } from '../../ports/clock.js';
import type { StreamWay } from '../../ports/stream-way.js';
import type { SentStream } from '../../ports/transport.js';
import { Flows } from './flows.js';

/** Counts the items that the server has consumed, by the credit that it gives back. */
export class Progress {
  /** What those cost that were sent and are not consumed yet. */
  readonly #costs = new Ring<number>(limits.streamCreditMax);
  readonly #tell: (consumed: number) => void;
  #isGranted = false;
  #credit = 0;
  #consumed = 0;
  #sent = 0;

  constructor(tell: (consumed: number) => void) {
    this.#tell = tell;
  }

  sent(cost: number): void {
    this.#sent += 1;
    this.#costs.push(cost);
  }

  /** The server gave so much credit, the first of which nothing was consumed for. */
  demanded(credit: number): void {
    if (!this.#isGranted) {
      this.#isGranted = true;
      return;
    }
    this.#credit += credit;
    const before = this.#consumed;
    for (let cost = this.#costs.peek(); cost !== undefined && cost <= this.#credit; cost = this.#costs.peek()) {
      this.#costs.shift();
      this.#credit -= cost;
      this.#consumed += 1;
    }
    if (this.#consumed > before) this.#tell(this.#consumed);
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

  override demand(count: number): void {
    super.demand(count);
    this.progress?.demanded(count);
  }
}
