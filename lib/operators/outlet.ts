import type { Observable } from 'rxjs';

/**
 * Where values wait to leave. It is pulled in batches, so that a value costs no more than its place in an array; streams tell
 * only when there is something to pull again.
 */
export interface Outlet<T> {
  /** Whether {@link fill} would add something. */
  readonly hasReady: boolean;
  /** Emits when something may leave, after a time in which nothing could. */
  readonly ready$: Observable<void>;
  /** Adds what may leave now, in order, until the batch holds `max` values. */
  fill(batch: T[], max: number): void;
}
