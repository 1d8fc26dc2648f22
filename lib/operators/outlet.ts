import { Subscription } from 'rxjs';

/**
 * Where values wait to leave. It is pulled in batches, so that a value costs no more than its place in an array; it tells only when there
 * is something to pull again, and by a plain call, for there are many of them behind each wire.
 */
export interface Outlet<T> {
  /** Whether {@link fill} would add something. */
  readonly hasReady: boolean;
  /** Calls `tell` when something may leave, after a time in which nothing could. */
  watch(tell: () => void): Subscription;
  /** Adds what may leave now, in order, until the batch holds `max` values. */
  fill(batch: T[], max: number): void;
}

/** Those who watch, each a function of its own that throws nothing, and are told. */
export class Readiness {
  readonly #watchers = new Set<() => void>();

  watch(tell: () => void): Subscription {
    this.#watchers.add(tell);
    return new Subscription(() => {
      this.#watchers.delete(tell);
    });
  }

  tell(): void {
    for (const tell of this.#watchers) tell();
  }
}

/** Watches several as one. */
export const watchAll = (outlets: readonly Pick<Outlet<never>, 'watch'>[], tell: () => void): Subscription => {
  const watching = new Subscription();
  for (const outlet of outlets) watching.add(outlet.watch(tell));
  return watching;
};
