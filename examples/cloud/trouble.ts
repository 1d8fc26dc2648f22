import { concatMap, first, type Observable, tap } from 'rxjs';
import type { Cluster } from './cluster.js';
import type { Snapshot } from './snapshot.js';

/** Shares of the orders that are done when trouble comes. */
const killAt = 0.3;
const rollAt = 0.55;

/** Kills the compute that runs the most, once enough is done. */
export const killOne = (snapshot$: Observable<Snapshot>, cluster: Cluster, say: (line: string) => void): Observable<unknown> =>
  snapshot$.pipe(
    first(({ running, status }) => running.length > 0 && status.done >= killAt * status.orders),
    concatMap(async ({ running, status }) => {
      const victim = cluster.named(busiest(running.map(({ compute }) => compute)));
      say(`${String(status.done)} orders are done: ${victim.name} is killed, with all that it runs`);
      await victim.kill();
    }),
  );

/** Replaces a scheduler, once enough is done: its successor serves before it leaves. */
export const rollOne = (snapshot$: Observable<Snapshot>, cluster: Cluster, say: (line: string) => void): Observable<unknown> =>
  snapshot$.pipe(
    first(({ status }) => status.done >= rollAt * status.orders),
    tap(({ status }) => say(`${String(status.done)} orders are done: scheduler-1 is replaced`)),
    concatMap(async () => {
      const successor = await cluster.add('scheduler');
      say(`${successor.name} serves: scheduler-1 finishes what it has begun, and ends`);
      await cluster.named('scheduler-1').drain();
      say('scheduler-1 has ended');
    }),
  );

const busiest = (computes: readonly string[]): string => {
  const count = (name: string): number => computes.filter((compute) => compute === name).length;
  return [...computes].sort((a, b) => count(b) - count(a))[0] ?? '';
};
