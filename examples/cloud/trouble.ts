import { concatMap, first, type Observable, tap } from 'rxjs';
import type { Cluster } from './cluster.js';
import type { Status } from './contracts.js';
import type { Snapshot } from './snapshot.js';

/** Shares of the orders that have ended when trouble comes. */
const killAt = 0.3;
const rollAt = 0.55;

/** Kills the compute that runs the most, once enough is done; the first one where all was done before anything was seen to run. */
export const killOne = (snapshot$: Observable<Snapshot>, cluster: Cluster, say: (line: string) => void): Observable<unknown> =>
  snapshot$.pipe(
    first(({ running, status }) => ended(status) >= (running.length > 0 ? killAt : 1) * status.orders),
    concatMap(async ({ running, status }) => {
      const victim = cluster.named(busiest(running.map(({ compute }) => compute)));
      say(`${String(status.done)} orders are done: ${victim.name} is killed, with all that it runs`);
      await victim.kill();
    }),
  );

/** Replaces a scheduler, once enough is done: its successor serves before it leaves. */
export const rollOne = (snapshot$: Observable<Snapshot>, cluster: Cluster, say: (line: string) => void): Observable<unknown> =>
  snapshot$.pipe(
    first(({ status }) => ended(status) >= rollAt * status.orders),
    tap(({ status }) => say(`${String(status.done)} orders are done: scheduler-1 is replaced`)),
    concatMap(async () => {
      const successor = await cluster.add('scheduler');
      say(`${successor.name} serves: scheduler-1 finishes what it has begun, and ends`);
      await cluster.named('scheduler-1').drain();
      say('scheduler-1 has ended');
    }),
  );

const ended = ({ done, failed }: Status): number => done + failed;

const busiest = (computes: readonly string[]): string => {
  const count = (name: string): number => computes.filter((compute) => compute === name).length;
  return [...computes].sort((a, b) => count(b) - count(a))[0] ?? 'compute-1';
};
