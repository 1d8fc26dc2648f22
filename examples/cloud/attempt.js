import { Buffer } from 'node:buffer';
import { ftruncateSync, linkSync, mkdirSync, openSync, existsSync, readdirSync, renameSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';

/**
 * One attempt at an instance. It is a file, and committing it links that file to the name of its order, which works once: the second
 * to try finds the name taken. Who attempts an order anew first takes the files of earlier attempts away, so that those have nothing
 * to link any more, however late they come. Both are one step of the file system, so that one of the two comes first, always.
 *
 * Which attempt is the earlier one is said by when its compute started it, by the host's clock that never goes back, and not by when
 * it comes here: a process may take long to start, and its compute be killed meanwhile. One that finds a later attempt takes
 * itself away.
 *
 *   results/ORDER.json                     what was committed
 *   attempts/ORDER/STARTED.COMPUTE.PID.json  each attempt
 *   revoked/ORDER.STARTED.COMPUTE.PID.json   attempts that were taken away, since their compute or their scheduler was lost
 *   doubled/ORDER.STARTED.COMPUTE.PID.json   attempts that came too late: there must be none
 */
export class Attempt {
  #root;
  #order;
  #file;
  #handle;

  /** `started` is in ns, as `process.hrtime.bigint()` says it. */
  static begin(root, order, started, compute) {
    for (const folder of ['results', 'revoked', 'doubled', join('attempts', order)]) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    const file = `${String(started)}.${compute}.${String(process.pid)}.json`;
    const attempt = new Attempt(root, order, join(root, 'attempts', order, file));
    attempt.#revokeEarlier();
    return attempt;
  }

  constructor(root, order, file) {
    this.#root = root;
    this.#order = order;
    this.#file = file;
    this.#handle = openSync(file, 'wx');
    writeSync(this.#handle, `${JSON.stringify({ order, startedAt: new Date() })}\n`);
  }

  /** Whether an earlier attempt was committed: then there is nothing to do. */
  get isDone() {
    return existsSync(this.#result);
  }

  /** Says what became of it: `committed`, `doubled` or `revoked`. */
  commit(result) {
    ftruncateSync(this.#handle);
    const text = Buffer.from(`${JSON.stringify(result)}\n`);
    writeSync(this.#handle, text, 0, text.byteLength, 0);
    try {
      linkSync(this.#file, this.#result);
      return 'committed';
    } catch (error) {
      if (error.code === 'ENOENT') return 'revoked';
      if (error.code !== 'EEXIST') throw error;
      this.#moveTo('doubled', this.#file);
      return 'doubled';
    }
  }

  get #result() {
    return join(this.#root, 'results', `${this.#order}.json`);
  }

  #revokeEarlier() {
    const folder = join(this.#root, 'attempts', this.#order);
    // Of two that start at once either sees the other, since each has its file before it looks.
    const inOrder = readdirSync(folder).sort(byStart);
    const own = inOrder.indexOf(basename(this.#file));
    const revoked = own === inOrder.length - 1 ? inOrder.slice(0, -1) : inOrder.slice(own, own + 1);
    for (const name of revoked) this.#moveTo('revoked', join(folder, name));
  }

  #moveTo(folder, file) {
    try {
      renameSync(file, join(this.#root, folder, `${this.#order}.${basename(file)}`));
    } catch (error) {
      // Someone else took it away.
      if (error.code !== 'ENOENT') throw error;
    }
  }
}

const startOf = (name) => BigInt(name.split('.', 1)[0]);

const byStart = (a, b) => (startOf(a) === startOf(b) ? (a < b ? -1 : 1) : startOf(a) < startOf(b) ? -1 : 1);
