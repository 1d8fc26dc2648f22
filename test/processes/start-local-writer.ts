import { type ChildProcess, spawn } from 'node:child_process';
import type { Registration } from '../../lib/ports/matchmaker.js';
import { built } from '../run.js';
import type { WriterNews, WriterTask } from './local-writer.js';

/** A process that lists servers in a local directory; local-writer.ts is what it runs. */
export class Writer {
  readonly task: WriterTask;
  /** Whom it found listed when it started. */
  found: readonly Registration[] | undefined;
  /** How many times it has listed something. */
  listings = 0;
  /** Its exit code, or the signal that ended it. */
  end: number | string | undefined;
  readonly #process: ChildProcess;
  #wake: () => void = () => undefined;

  constructor(task: WriterTask) {
    this.task = task;
    this.#process = spawn(process.execPath, [built('test/processes/local-writer.ts'), JSON.stringify(task)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process.on('message', (news: WriterNews) => {
      if ('found' in news) this.found = news.found;
      else this.listings = news.listings;
      this.#wake();
    });
    this.#process.once('exit', (code, signal) => {
      this.end = code ?? signal ?? 'nothing';
      this.#wake();
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** Waits for its news; rejects when it ends before that has come true. One at a time. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      if (this.end !== undefined) throw new Error(`the writer ended with ${String(this.end)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends it a signal; SIGKILL resolves when it is dead. */
  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    this.#process.kill(signal);
    if (signal === 'SIGKILL') await this.#ended();
  }

  /** Lets it take its servers off, and gives back how it ended. */
  async stop(): Promise<number | string | undefined> {
    if (this.end === undefined) this.#process.send('stop');
    await this.#ended();
    return this.end;
  }

  async #ended(): Promise<void> {
    await this.until(() => this.end !== undefined);
  }
}
