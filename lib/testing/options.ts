import { invalidArgument } from '../core/errors.js';
import type { Latency } from '../adapters/sim/sim-route.js';

export const limitMsDefault = 600_000;

export interface SimulateOptions {
  /** What all chance follows from: by default `SKEIN_SEED` of the environment, or another one each time; told where it fails. */
  readonly seed?: number;
  /** How much virtual time the scenario may take, in ms; default 600,000. */
  readonly limitMs?: number;
  /** How long a message takes from host to host, in ms, or from … to; default 0, so that diagrams are exact. */
  readonly latencyMs?: Latency;
}

export interface Settled {
  readonly seed: number;
  readonly limitMs: number;
  readonly latencyMs: Latency;
}

/** `SKEIN_SEED`, where it is set. Throws `invalid-argument`. */
export const seedInEnvironment = (): number | undefined => {
  const { SKEIN_SEED = '' } = process.env;
  if (SKEIN_SEED === '') return undefined;
  const seed = Number(SKEIN_SEED);
  if (!Number.isSafeInteger(seed)) throw invalidArgument(`SKEIN_SEED must be a whole number, and is ${SKEIN_SEED}`);
  return seed;
};

/** Throws `invalid-argument`. */
export const settle = (options: SimulateOptions, chance: () => number): Settled => {
  const { seed = seedInEnvironment() ?? Math.floor(chance() * 2 ** 31), limitMs = limitMsDefault, latencyMs = 0 } = options;
  const latencies: readonly unknown[] = Array.isArray(latencyMs) ? latencyMs : [latencyMs, latencyMs];
  const problems = [
    ...(Number.isSafeInteger(seed) ? [] : [`seed must be a whole number, and is ${String(seed)}`]),
    ...(typeof limitMs === 'number' && limitMs > 0 ? [] : [`limitMs must be more than 0, and is ${String(limitMs)}`]),
    ...(latencies.length === 2 &&
    latencies.every((ms) => typeof ms === 'number' && ms >= 0 && ms < Infinity) &&
    Number(latencies[0]) <= Number(latencies[1])
      ? []
      : ['latencyMs must be a time in ms, or a list of two, the shorter one first']),
  ];
  if (problems.length > 0) throw invalidArgument(...problems);
  return { seed, limitMs, latencyMs };
};
