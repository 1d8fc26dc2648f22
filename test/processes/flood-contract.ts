import { call, contract } from '../../lib/index.js';

/** How long each call takes, and how many are at work at once: a server that is busy with 400 calls a second. */
export const workMs = 10;

export const Flooded = contract('flooded', '1.0', { work: call<number, number>({ concurrency: 4 }) });

export type Order =
  /** Calls one after another for so long, and tells how long they took. */
  | { readonly do: 'measure'; readonly forMs: number }
  /** Keeps so many calls under way until it is told to stop. */
  | { readonly do: 'flood'; readonly underWay: number }
  | { readonly do: 'stop' };

export type Report =
  | { readonly is: 'ready' }
  | { readonly is: 'measured'; readonly p99Ms: number; readonly calls: number }
  /** So many have ended since it began to flood that its server has been full for a while. */
  | { readonly is: 'flooding' }
  | { readonly is: 'stopped'; readonly answered: number; readonly refused: number };
