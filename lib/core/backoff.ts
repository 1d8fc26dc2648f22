/** How waits grow: twice as long after each failure, from `minMs` up to `maxMs`. */
export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before attempt `attempt` (0 is the first repeat): exponential, with half of it left to chance, so that
 * many peers that lost the same server do not come back at once ("equal jitter", M. Brooker, Exponential Backoff And Jitter,
 * 2015). `chance` is from 0 up to 1.
 */
export const backoffMs = (attempt: number, { minMs, maxMs }: Backoff, chance: number): number => {
  const whole = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return whole / 2 + (whole / 2) * chance;
};
