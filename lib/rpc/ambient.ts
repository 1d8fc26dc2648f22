import { AsyncLocalStorage } from 'node:async_hooks';
import type { Work } from './work.js';

/**
 * One storage for all nodes of a process: Node hands each that was ever used on to every promise and timer of the process, which a
 * hundred nodes would feel.
 */
const storage = new AsyncLocalStorage<Work | undefined>();
let nodes = 0;

/** The work that one node's present handler does, however deep in it. That of another node in the same process is none. */
export class Ambient {
  constructor() {
    nodes += 1;
  }

  /** Runs what is part of that work, or of none. */
  run<A extends unknown[], R>(work: Work | undefined, part: (...args: A) => R, ...args: A): R {
    work?.own(this);
    return storage.run(work, part, ...args);
  }

  get(): Work | undefined {
    const work = storage.getStore();
    return work?.isOf(this) === true ? work : undefined;
  }

  /** The node is closed. */
  close(): void {
    nodes -= 1;
    if (nodes === 0) storage.disable();
  }
}
