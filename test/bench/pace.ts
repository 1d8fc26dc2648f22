import type { Figures } from './messages.js';

/** Every so many operations one is timed, so that timing costs both systems the same, and little. */
const sampleEvery = 8;

/** Counts operations, times some of them, and says when the time is over. */
export class Pace {
  readonly #endsAt: number;
  readonly #startedAt: number;
  readonly #samplesUs: number[] = [];
  #done = 0;
  #started = 0;
  #sampleStartedAt = 0;
  #sampleId = -1;

  constructor(seconds: number) {
    this.#startedAt = performance.now();
    this.#endsAt = this.#startedAt + seconds * 1_000;
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** An operation starts; gives its number back. */
  start(): number {
    const id = this.#started;
    this.#started += 1;
    if (this.#sampleId === -1 && id % sampleEvery === 0) {
      this.#sampleId = id;
      this.#sampleStartedAt = performance.now();
    }
    return id;
  }

  /** The operation of that number is done. */
  finish(id: number): void {
    this.#done += 1;
    if (id !== this.#sampleId) return;
    this.#samplesUs.push((performance.now() - this.#sampleStartedAt) * 1_000);
    this.#sampleId = -1;
  }

  figures(): Figures {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    return { opsPerSecond: this.#done / seconds, ...percentiles(this.#samplesUs) };
  }
}

export const percentiles = (samplesUs: readonly number[]): Pick<Figures, 'p50Us' | 'p99Us'> => {
  const sorted = [...samplesUs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Us: at(0.5), p99Us: at(0.99) };
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
};
