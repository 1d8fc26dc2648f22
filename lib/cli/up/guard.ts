import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limits } from '../../core/limits.js';

const giveUp = ({ message }: Error): void => {
  process.emitWarning(`nothing ends what skein up has started, should it be killed: its guardian does not run: ${message}`);
};

/** Sees to it that no process group outlives `skein up`, even where that is killed. */
export class Guard {
  readonly #groups = new Map<number, number>();
  #guardian: ChildProcess;
  #isClosed = false;
  #failures = 0;

  constructor() {
    this.#guardian = this.#start();
  }

  add(group: number, stopMs: number): void {
    this.#groups.set(group, stopMs);
    this.#tell(`+${String(group)} ${String(stopMs)}`);
  }

  remove(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`-${String(group)}`);
  }

  /** Resolves once its process has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const guardian = this.#guardian;
    if (guardian.exitCode !== null || guardian.signalCode !== null) return;
    guardian.stdin?.end();
    await once(guardian, 'exit');
  }

  #tell(line: string): void {
    this.#guardian.stdin?.write(`${line}\n`);
  }

  /** In a session of its own, so that what ends a terminal's processes does not end it. */
  #start(): ChildProcess {
    const file = fileURLToPath(import.meta.url);
    const program = fileURLToPath(new URL(`guardian${extname(file)}`, import.meta.url));
    const guardian = spawn(process.execPath, [...process.execArgv, program], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A guardian that was killed reads no more; the next one is told all.
    guardian.stdin.on('error', () => undefined);
    guardian.on('error', giveUp);
    guardian.on('exit', () => {
      this.#failures += 1;
      // One that ends at once, again and again, never will do its work.
      if (this.#isClosed) return;
      if (this.#failures > limits.restartsMax) {
        giveUp(new Error(`it has ended ${String(this.#failures)} times`));
        return;
      }
      this.#guardian = this.#start();
      for (const [group, stopMs] of this.#groups) this.#tell(`+${String(group)} ${String(stopMs)}`);
    });
    return guardian;
  }
}
