import { Subscription } from 'rxjs';

/**
 * Where values wait to leave. It is pulled in batches, so that a value costs no more than its place in an array; it tells only when there
 * is something to pull again, and by a plain call, for there are seven of them behind each wire.
 */
export interface Outlet<T> {
  /** Whether {@link fill} would add something. */
  readonly hasReady: boolean;
  /** Calls `tell` when something may leave, after a time in which nothing could. */
  watch(tell: () => void): Subscription;
  /** Adds what may leave now, in order, until the batch holds `max` values. */
  fill(batch: T[], max: number): void;
}

/** Watches several as one. */
export const watchAll = (outlets: readonly Pick<Outlet<never>, 'watch'>[], tell: () => void): Subscription => {
  const watching = new Subscription();
  for (const outlet of outlets) watching.add(outlet.watch(tell));
  return watching;
};
