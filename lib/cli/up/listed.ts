import { tap } from 'rxjs';
import type { Registration } from '../../node/described.js';
import type { Node } from '../../node/node.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../node/system.js';
import { groupBy } from '../find.js';

/** Knows which runs of nodes the directory lists, so that a rolling restart waits for each. */
export class Listed {
  readonly #clock: Clock;
  /** The listed runs, by the names of their nodes. */
  #runs: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  readonly #changed = new Set<() => void>();

  constructor(node: Node, clock: Clock) {
    this.#clock = clock;
    node.servers$
      .pipe(
        tap((servers) => {
          this.#runs = new Map([...groupBy(servers, (one) => one.node)].map(([name, own]) => [name, runsIn(own)]));
          for (const look of this.#changed) look();
        }),
      )
      // It never fails: it goes on through the directory's outages.
      .subscribe({ error: () => undefined });
  }

  runsOf(name: string): ReadonlySet<string> {
    return this.#runs.get(name) ?? new Set();
  }

  /** Resolves once a run that is none of those is listed, or after {@link limits.listedMs}, or when the promise does. */
  untilAnother(name: string, former: ReadonlySet<string>, unless: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        late.unsubscribe();
        this.#changed.delete(look);
        resolve();
      };
      const look = (): void => {
        if ([...this.runsOf(name)].some((run) => !former.has(run))) end();
      };
      const late = this.#clock.schedule(end, limits.listedMs);
      this.#changed.add(look);
      void unless.then(end, end);
      look();
    });
  }
}

const runsIn = (servers: readonly Registration[]): ReadonlySet<string> => new Set(servers.map(({ incarnation }) => incarnation));
