import type { Report } from './contracts.js';

/** What was said longer ago is no longer so: three reports were missed. */
const freshMs = 3_500;

/** A compute needs room for what it runs, in bytes of memory and of disk. */
const roomMin = 16 * 2 ** 20;

interface Known {
  readonly report: Report;
  readonly at: number;
  /** Instances that it has or was given, as far as is known here. */
  busy: number;
}

/** All that a scheduler knows: what computes reported lately, and what it gave them since. */
export class Computes {
  readonly #known = new Map<string, Known>();

  get reports(): readonly Report[] {
    return this.#fresh().map(({ report }) => report);
  }

  heard(report: Report): void {
    const busy = report.running.length + report.waiting;
    this.#known.set(report.compute, { report, at: performance.now(), busy });
  }

  /** It is not chosen until it reports again. */
  lost(compute: string): void {
    this.#known.delete(compute);
  }

  /** The one with the most to spare; undefined where none has reported, or none has room. */
  choose(): string | undefined {
    const [best] = this.#fresh()
      .filter(({ report }) => report.freeMemory > roomMin && report.freeDisk > roomMin)
      .sort((a, b) => burden(a) - burden(b) || b.report.freeMemory - a.report.freeMemory);
    return best?.report.compute;
  }

  took(compute: string): void {
    this.#add(compute, 1);
  }

  gave(compute: string): void {
    this.#add(compute, -1);
  }

  #fresh(): Known[] {
    const now = performance.now();
    return [...this.#known.values()].filter(({ at }) => now - at < freshMs);
  }

  #add(compute: string, change: number): void {
    const known = this.#known.get(compute);
    if (known) known.busy = Math.max(0, known.busy + change);
  }
}

/** How full it is; the load of its host counts for as much as one instance a CPU. */
const burden = ({ report, busy }: Known): number => (busy + report.load / report.cpus) / report.capacity;
