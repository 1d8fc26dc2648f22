import { join } from 'node:path';
import type { Order, Status } from './contracts.js';
import { recount } from './results.js';

/** The outcome of a run. Orders are counted from the files, not from what anyone was told. */
export interface Summary {
  readonly orders: number;
  readonly done: number;
  /** Orders without a result. */
  readonly lost: number;
  /** Results that were to be committed for an order that had one. */
  readonly doubled: number;
  /** Processes that were killed. */
  readonly killed: number;
  readonly placements: number;
  /** Placements beyond the first one of an order. */
  readonly retries: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The folder with one file for each order that is done. */
  readonly results: string;
}

export interface Run {
  readonly orders: readonly Order[];
  readonly folder: string;
  readonly status: Status;
  readonly killed: number;
  readonly seconds: number;
}

/** Prints how it went, for machines if asked to on the last line; gives the exit code. */
export const summarize = async ({ orders, folder, status, killed, seconds }: Run, json: boolean): Promise<number> => {
  const { results, lost, doubled } = await recount(folder, orders);
  const { placements, retries, p50Ms, p99Ms } = status;
  const summary: Summary = {
    orders: orders.length,
    done: results.length,
    lost: lost.length,
    doubled,
    killed,
    placements,
    retries,
    p50Ms,
    p99Ms,
    results: join(folder, 'results'),
  };
  const bad = results.filter(({ exitCode }) => exitCode !== 0);
  for (const id of lost) console.error(`${id} has no result`);
  for (const { order, exitCode, problem } of bad) console.error(`${order} ended with ${String(exitCode)}: ${problem}`);
  console.log(inWords(summary, seconds));
  if (json) console.log(JSON.stringify(summary));
  return lost.length + doubled + bad.length === 0 ? 0 : 1;
};

const inWords = ({ results, ...is }: Summary, seconds: number): string =>
  [
    `${String(is.done)} of ${String(is.orders)} orders done in ${seconds.toFixed(1)} s: ${String(is.lost)} lost, ${String(is.doubled)} doubled`,
    `${String(is.placements)} placements, ${String(is.retries)} of them anew, for ${String(is.killed)} compute was killed and a scheduler replaced`,
    `half of the orders took less than ${String(is.p50Ms)} ms, 99 of 100 less than ${String(is.p99Ms)} ms`,
    `results: ${results}`,
  ].join('\n');
