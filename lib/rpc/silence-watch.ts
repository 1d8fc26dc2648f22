import type { SchedulerLike, Subscription } from 'rxjs';

/** How much longer than the limit a silence may seem here: proof comes each quarter of it, and needs some time on its way. */
const tolerance = 1.375;

/** A request whose server is to prove that it is at work. */
interface Proven {
  readonly wasSent: boolean;
  readonly sentAt: number;
  fallSilent(silenceMs: number): void;
}

/**
 * Ends a request whose server gives no proof for longer than `silenceMs`, from when it was sent. A handler that blocks its process for
 * less than that is never taken for silent, for it has proved itself a quarter before at the latest.
 */
export class SilenceWatch {
  readonly #request: Proven;
  readonly #silenceMs: number;
  readonly #clock: SchedulerLike;
  #heardAt = 0;
  #timer: Subscription | undefined;

  constructor(request: Proven, silenceMs: number, clock: SchedulerLike) {
    this.#request = request;
    this.#silenceMs = silenceMs;
    this.#clock = clock;
  }

  begin(): void {
    this.#wait(this.#limitMs);
  }

  heard(): void {
    this.#heardAt = this.#clock.now();
  }

  end(): void {
    this.#timer?.unsubscribe();
  }

  get #limitMs(): number {
    return this.#silenceMs * tolerance;
  }

  #wait(ms: number, isLast = false): void {
    this.#timer = this.#clock.schedule(() => {
      this.#look(isLast);
    }, ms);
  }

  /** While it waits to be sent, no one can prove anything. */
  #look(isLast = false): void {
    const { wasSent, sentAt } = this.#request;
    const silentMs = wasSent ? this.#clock.now() - Math.max(this.#heardAt, sentAt) : 0;
    if (silentMs < this.#limitMs) this.#wait(this.#limitMs - silentMs);
    else if (isLast) this.#request.fallSilent(this.#silenceMs);
    // Where this process was blocked itself, the proof may be there and is yet to be read.
    else this.#wait(this.#silenceMs / 16, true);
  }
}
