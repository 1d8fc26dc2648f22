import type { Clock } from '../../lib/index.js';

/** One request at one run of a node, as its wires and its handlers show it. */
interface Arrival {
  /** When its time is up, by the node's clock. */
  dueAt: number;
  /** Whether it has been started, and nothing since then allows it to be started again. */
  isSpent: boolean;
  /** Whether it is neither answered nor taken back. */
  isOpen: boolean;
  /** When it was taken back as it was open. */
  backAt: number | undefined;
  /** Whether it says that it may come again. */
  readonly isRepeatable: boolean;
}

/** What one run of a node has heard, by the keys that its handlers see. */
export class Arrivals {
  readonly #clock: Clock;
  readonly #all = new Map<string, Arrival>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  heard(key: string, ttlMs: number, isRepeatable: boolean): void {
    const now = this.#clock.now();
    const known = this.#all.get(key);
    const isSpent = known?.isSpent === true && now < known.dueAt;
    const dueAt = Math.max(now + ttlMs, known?.dueAt ?? 0);
    this.#all.set(key, { dueAt, isSpent, isOpen: true, backAt: known?.backAt, isRepeatable });
  }

  /** Answered or refused, or its handler has ended where no answer follows. */
  settled(key: string): void {
    const known = this.#all.get(key);
    if (known) known.isOpen = false;
  }

  /** It was not started, and its caller is told so. */
  returned(key: string): void {
    const known = this.#all.get(key);
    if (known && !known.isSpent) known.isOpen = false;
  }

  /** Its caller does not want it any more, and so may ask anew. */
  takenBack(key: string): void {
    const known = this.#all.get(key);
    if (!known?.isOpen) return;
    known.isOpen = false;
    known.isSpent = false;
    known.backAt = this.#clock.now();
  }

  /** Its handler starts: why it must not, if so. */
  start(key: string): string | undefined {
    const known = this.#all.get(key);
    if (!known || this.#clock.now() >= known.dueAt) return 'after its deadline';
    // The message that takes it back may have had it started before: all of a message is seen here before any of it is heeded.
    if (known.backAt === this.#clock.now()) {
      known.backAt = undefined;
      return undefined;
    }
    if (known.isSpent) return 'twice';
    known.isSpent = known.isOpen;
    return undefined;
  }

  /** Requests whose time is not up, and which nobody has seen to. */
  get open(): readonly string[] {
    const now = this.#clock.now();
    return [...this.#all].filter(([, { isOpen, dueAt }]) => isOpen && dueAt > now).map(([key]) => key);
  }

  /** How many requests that may come again had time left so long ago. */
  repeatable(agoMs: number): number {
    const then = this.#clock.now() - agoMs;
    return [...this.#all.values()].filter(({ isRepeatable, dueAt }) => isRepeatable && dueAt > then).length;
  }
}

/** That a server's wire heard a cast, and what the server said to it. */
export class Hearing {
  readonly server: string;
  isRefused = false;

  constructor(server: string) {
    this.server = server;
  }
}
