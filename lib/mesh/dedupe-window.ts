import type { Backlog } from '../core/backlog.js';
import { type Envelope, Kind } from '../core/envelope.js';
import { writeError } from '../core/error-record.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Clock } from '../ports/clock.js';
import type { Meter } from '../ports/meter.js';
import type { ServedRequest } from './served-request.js';

/** A request that may come again: at work, answered, or lost to memory. */
interface Remembered {
  readonly caller: string;
  readonly id: number;
  /** While it is at work. */
  request: ServedRequest | undefined;
  /** Once it is answered, unless the answer is too much to keep. */
  answer: Envelope | undefined;
  bytes: number;
  deadline: number;
}

/** The newest request of a caller that was forgotten before its time was up, and until when that matters. */
interface Floor {
  readonly id: number;
  readonly until: number;
}

/**
 * What a node remembers of requests that may be repeated, until their deadlines: a repeat joins the one that is at work, or gets the
 * answer that there was. At most so many and so much are remembered, the newest; a repeat of one that may have been forgotten is refused,
 * of unknown outcome, and never run again.
 */
export class DedupeWindow {
  readonly #clock: Clock;
  readonly #meter: Meter;
  /** In the order in which they came. */
  readonly #all = new Map<string, Remembered>();
  readonly #floors = new Map<string, Floor>();
  #bytes = 0;

  constructor(clock: Clock, meter: Meter) {
    this.#clock = clock;
    this.#meter = meter;
  }

  get size(): number {
    return this.#all.size;
  }

  get backlog(): Backlog {
    const [depth, max] = [this.size, limits.rememberedMax];
    return { name: 'requests that may come again', depth, max, overflow: 'drop-oldest', dropped: 0 };
  }

  /** Whether the request is to be run; else it has been seen to. */
  admit(request: ServedRequest, attempt: number): boolean {
    const known = this.#all.get(request.key);
    if (known) {
      this.#meter.counter('repeats.known').total += 1;
      this.#meet(request, known);
      return false;
    }
    const { caller, id, deadline } = request;
    if (attempt > 0 && id <= (this.#floors.get(caller.id)?.id ?? -1)) {
      this.#refuse(request);
      return false;
    }
    this.#all.set(request.key, { caller: caller.id, id, request, answer: undefined, bytes: 0, deadline });
    request.memory = this;
    if (this.#all.size > limits.rememberedMax) this.#forgetOldest();
    return true;
  }

  /** Keeps the answer; what was refused before it started may come anew. */
  answered(request: ServedRequest, answer: Envelope | undefined): void {
    const known = this.#all.get(request.key);
    if (known?.request !== request) return;
    if (answer?.kind === Kind.refuse) {
      this.forget(request);
      return;
    }
    known.request = undefined;
    known.deadline = request.deadline;
    known.bytes = answer?.kind === Kind.reply ? answer.bytes : 0;
    if (known.bytes > limits.rememberedBytesMax) {
      known.bytes = 0;
      return;
    }
    known.answer = answer ?? { kind: Kind.done, id: request.id };
    this.#bytes += known.bytes;
    while (this.#bytes > limits.rememberedBytesMax) this.#forgetOldest();
  }

  /** Its caller took it back, or its time is up: it may come anew. */
  forget(request: ServedRequest): void {
    if (this.#all.get(request.key)?.request === request) this.#all.delete(request.key);
  }

  /** It was stopped, and no one knows how far it came: it must not come anew. */
  lose(request: ServedRequest): void {
    const known = this.#all.get(request.key);
    if (known?.request === request) known.request = undefined;
  }

  /** Drops what no longer matters. */
  sweep(): void {
    const now = this.#clock.now();
    for (const [key, known] of this.#all) {
      if (known.request || known.deadline > now) continue;
      this.#bytes -= known.bytes;
      this.#all.delete(key);
    }
    for (const [caller, { until }] of this.#floors) if (until <= now) this.#floors.delete(caller);
  }

  #meet(request: ServedRequest, known: Remembered): void {
    if (known.request) known.request.join(request);
    else if (known.answer) request.answerAgain(known.answer);
    else this.#refuse(request);
  }

  #refuse(request: ServedRequest): void {
    this.#meter.counter('repeats.forgotten').total += 1;
    const message = 'it came before, and what became of it is no longer known: it is not run again';
    request.refuse(writeError(new SkeinError('link-lost', { peer: request.caller.node }, { message })));
  }

  #forgetOldest(): void {
    const [[key, { caller, id, bytes, deadline }] = none] = this.#all;
    this.#all.delete(key);
    this.#bytes -= bytes;
    const floor = this.#floors.get(caller);
    this.#floors.set(caller, { id: Math.max(id, floor?.id ?? 0), until: Math.max(deadline, floor?.until ?? 0) });
  }
}

const none: readonly [string, Remembered] = [
  '',
  { caller: '', id: 0, request: undefined, answer: undefined, bytes: 0, deadline: 0 },
];
