import { createLogUpdate } from 'log-update';
import type { Cluster } from './cluster.js';
import type { Snapshot } from './snapshot.js';
import { table } from './table.js';

/** Shows on stderr how it goes. */
export interface View extends Disposable {
  show(snapshot: Snapshot): void;
  /** Says something once, above what is shown. */
  say(line: string): void;
}

/** A live table on a terminal, else a line every two seconds. */
export const openView = (cluster: Cluster): View => (process.stderr.isTTY ? liveTable(cluster) : plainLines());

const liveTable = (cluster: Cluster): View => {
  const update = createLogUpdate(process.stderr);
  return {
    show: (snapshot) => update(table(cluster.members, snapshot, process.stderr.columns)),
    say: (line) => update.persist(line),
    [Symbol.dispose]: () => update.done(),
  };
};

const lineEveryMs = 2_000;

const plainLines = (): View => {
  let next = 0;
  return {
    show: ({ status: { done, orders, running, retries } }) => {
      if (performance.now() < next) return;
      next = performance.now() + lineEveryMs;
      console.error(
        `${String(done)} of ${String(orders)} orders done, ${String(running)} running, ${String(retries)} placed anew`,
      );
    },
    say: (line) => console.error(line),
    [Symbol.dispose]: () => undefined,
  };
};
