import { MemoryRegistry } from '../adapters/matchmaker-memory/memory-registry.js';
import { Fabric } from '../adapters/memory/fabric.js';
import { SystemClock } from '../adapters/system/system-clock.js';
import { invalidArgument } from '../core/errors.js';
import type { Settings } from './settings.js';

/** What the nodes of a hub pass to each other. */
export type InProcess = Required<Settings>['inProcess'];

/** Where nodes of one process meet: those that are given the same hub find each other, and no others do. */
export class Hub {
  readonly fabric = new Fabric(new SystemClock());
  readonly registry = new MemoryRegistry();
  /** What its nodes pass to each other: all that are there say the same. */
  #passes: InProcess = 'copy';
  #nodes = 0;

  /** A node comes that passes that; gives back how it leaves. Throws `invalid-argument` where there are others that pass something else. */
  join(passes: InProcess): () => void {
    if (this.#nodes > 0 && passes !== this.#passes) {
      throw invalidArgument(
        `inProcess is ${passes} here and ${this.#passes} at the other nodes of this hub: say the same at all of them, or take another hub`,
      );
    }
    this.#passes = passes;
    this.#nodes += 1;
    return () => {
      this.#nodes -= 1;
    };
  }
}

const named = new Map<string, Hub>();

/** The hub of that name in this process: the one thing that nodes share without being handed it, for both must name it. */
export const hubNamed = (name: string): Hub => {
  const hub = named.get(name) ?? new Hub();
  named.set(name, hub);
  return hub;
};
