import { Subscription } from 'rxjs';
import type { Clock } from '../../ports/clock.js';
import { probe } from '../wires/marks.js';
import type { ServedWire } from './served-wire.js';

/** When to look after a connection was lost, in ms: it takes ZeroMQ a moment to let go of it. */
const looksMs = [1, 2, 10, 50, 250, 1_000] as const;

/** How often to look at the wires that are too full to tell, in ms. */
const fullMs = 1_000;

/** How often, and after how many ms, the end of a lost wire waits for its last messages to be read. */
const readsMax = 50;
const readMs = 2;

export interface CensusOptions {
  readonly clock: Clock;
  readonly wires: () => Iterable<ServedWire>;
  /** Sends to one wire's peer; rejects with EHOSTUNREACH where it is gone. */
  readonly post: (wire: ServedWire, frames: readonly Uint8Array[]) => Promise<void>;
  /** Whether there are messages that nobody has read yet. */
  readonly hasUnread: () => boolean;
  /** The wire's peer is gone, and all that it sent was read. */
  readonly onGone: (wire: ServedWire) => void;
}

/**
 * Finds out whose connection was lost. A listening socket says only that one was; so each wire is sent a probe, and those that
 * cannot be reached are gone.
 */
export class Census {
  readonly #options: CensusOptions;
  readonly #timers = new Subscription();
  /** Gone, and waiting for their last messages to be read. */
  readonly #ending = new Set<ServedWire>();
  #look: Subscription | undefined;
  #round = 0;
  #missing = 0;

  constructor(options: CensusOptions) {
    this.#options = options;
  }

  /** A connection was lost, whosever it was. */
  onLost(): void {
    this.#missing += 1;
    this.#round = 0;
    this.#lookIn(looksMs[0]);
  }

  /** Looks no more. */
  stop(): void {
    this.#timers.unsubscribe();
  }

  #lookIn(ms: number): void {
    this.#look?.unsubscribe();
    const look = this.#options.clock.schedule(() => {
      void this.#lookAround();
    }, ms);
    this.#look = look;
    this.#timers.add(look);
  }

  async #lookAround(): Promise<void> {
    const { wires } = this.#options;
    const gone: ServedWire[] = [];
    let full = 0;
    const asked = [...wires()].map(async (wire) => {
      if (this.#ending.has(wire)) return;
      const outcome = await this.#ask(wire);
      if (outcome === 'EHOSTUNREACH') gone.push(wire);
      else if (outcome === 'EAGAIN') full += 1;
    });
    await Promise.all(asked);
    this.#missing = Math.max(0, this.#missing - gone.length);
    for (const wire of gone) this.#ending.add(wire);
    if (gone.length > 0) this.#endWhenRead(gone, 0);
    this.#round += 1;
    const next = looksMs[this.#round] ?? (full > 0 ? fullMs : undefined);
    if (next === undefined) this.#missing = 0;
    else if (this.#missing > 0) this.#lookIn(next);
  }

  async #ask(wire: ServedWire): Promise<string | undefined> {
    try {
      await this.#options.post(wire, probe);
      return undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    }
  }

  /** In a later turn, by when the messages that were under way within the process have come; under full load, not for ever. */
  #endWhenRead(gone: readonly ServedWire[], reads: number): void {
    const { clock, hasUnread, onGone } = this.#options;
    const later = clock.schedule(
      () => {
        if (reads < readsMax && hasUnread()) {
          this.#endWhenRead(gone, reads + 1);
          return;
        }
        for (const wire of gone) {
          this.#ending.delete(wire);
          onGone(wire);
        }
      },
      reads === 0 ? 0 : readMs,
    );
    this.#timers.add(later);
  }
}
