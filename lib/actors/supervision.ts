import { backoffMs } from '../core/backoff.js';
import { limits } from '../core/limits.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Random } from '../ports/random.js';

/** How often and how soon an actor is restarted. */
export interface Restart {
  /** Restarts within `withinMs`, after which a failure is escalated; default 10. */
  readonly max?: number;
  /** Default 60,000. */
  readonly withinMs?: number;
  /** The first wait, which each further failure within `withinMs` doubles; half of it is left to chance. Default 100. */
  readonly minMs?: number;
  /** The longest wait; default 30,000. */
  readonly maxMs?: number;
}

/**
 * What happens when a behaviour fails: `restart` runs it anew after a wait, and escalates when that was of no use too often; `stop`
 * lets it be stopped; `escalate` stops it and hands the failure to its parent, whose own strategy decides.
 */
export type Strategy = 'restart' | 'stop' | 'escalate' | { readonly restart: Restart };

/** A strategy, or what chooses one by the error. */
export type Supervise<S = Strategy | 'resume'> = S | ((error: unknown) => S);

/** What a failure comes to. */
export type Verdict = { readonly kind: 'resume' | 'stop' | 'escalate' } | { readonly kind: 'restart'; readonly waitMs: number };

interface SupervisionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Judges the failures of one actor, and remembers the last ones. */
export class Supervision {
  readonly #path: string;
  readonly #supervise: Supervise;
  readonly #ports: SupervisionPorts;
  #failedAt: readonly number[] = [];
  /** What was chosen for a failure that has been looked at, and not been judged yet. */
  #chosen: { readonly error: unknown; readonly strategy: Strategy | 'resume' } | undefined;

  constructor(path: string, supervise: Supervise, ports: SupervisionPorts) {
    this.#path = path;
    this.#supervise = supervise;
    this.#ports = ports;
  }

  /** Whether the behaviour goes on as if nothing had happened; if not, the same failure is judged next. */
  resumes(error: unknown): boolean {
    const strategy = this.#choose(error);
    const isResumed = strategy === 'resume';
    this.#chosen = isResumed ? undefined : { error, strategy };
    return isResumed;
  }

  judge(error: unknown): Verdict {
    const strategy = this.#chosen?.error === error && this.#chosen ? this.#chosen.strategy : this.#choose(error);
    this.#chosen = undefined;
    switch (strategy) {
      case 'stop':
      case 'escalate':
      case 'resume':
        return { kind: strategy };
      case 'restart':
        return this.restart({});
      default:
        return this.restart(strategy.restart);
    }
  }

  /** A restart, unless there were too many. */
  restart({ max = limits.restartsMax, withinMs = limits.restartsWithinMs, ...given }: Restart): Verdict {
    const { clock, random } = this.#ports;
    const now = clock.now();
    // Without a bound, only as many are counted as make a difference to the wait.
    this.#failedAt = [...this.#failedAt.filter((at) => at > now - withinMs).slice(-Math.min(max, waitsMax)), now];
    if (this.#failedAt.length > max) return { kind: 'escalate' };
    const { minMs = Math.min(limits.restart.minMs, given.maxMs ?? Infinity), maxMs = Math.max(limits.restart.maxMs, minMs) } =
      given;
    return { kind: 'restart', waitMs: backoffMs(this.#failedAt.length - 1, { minMs, maxMs }, random.next()) };
  }

  #choose(error: unknown): Strategy | 'resume' {
    if (typeof this.#supervise !== 'function') return this.#supervise;
    try {
      const chosen = this.#supervise(error);
      const problems = strategyProblems(chosen);
      if (problems.length === 0) return chosen;
      throw new TypeError(problems.join('; '));
    } catch (failure) {
      this.#ports.logger.error(`${this.#path} has a strategy that failed, and escalates`, { error: failure });
      return 'escalate';
    }
  }
}

const waitsMax = 64;

const words: ReadonlySet<unknown> = new Set(['restart', 'stop', 'escalate', 'resume']);

/** What is wrong with a strategy, each in a sentence. */
export const strategyProblems = (strategy: unknown): readonly string[] => {
  if (words.has(strategy)) return [];
  const restart = typeof strategy === 'object' && strategy !== null && 'restart' in strategy ? strategy.restart : undefined;
  if (typeof restart !== 'object' || restart === null) {
    return ['a strategy is restart, resume, stop, escalate, or { restart: { max, withinMs, minMs, maxMs } }'];
  }
  const { max, withinMs, minMs, maxMs } = restart as Restart;
  return [
    ...unless(
      isMissing(max) || (max >= 0 && (Number.isInteger(max) || max === Infinity)),
      'restart.max must be a whole number, or Infinity',
    ),
    ...unless(isMissing(withinMs) || withinMs > 0, 'restart.withinMs must be more than 0'),
    ...unless(isMissing(minMs) || minMs >= 0, 'restart.minMs must be 0 or more'),
    ...unless(isMissing(maxMs) || maxMs >= (minMs ?? 0), 'restart.maxMs must be at least minMs'),
  ];
};

const isMissing = (value: unknown): value is undefined => value === undefined;

const unless = (isFine: boolean, problem: string): readonly string[] => (isFine ? [] : [problem]);
