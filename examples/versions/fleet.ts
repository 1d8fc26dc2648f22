import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';

const program = join(import.meta.dirname, `shop${extname(import.meta.filename)}`);

interface Running {
  readonly release: string;
  readonly child: ChildProcess;
}

/** The shops that run, each a process, replaced one by one. */
export class Fleet implements AsyncDisposable {
  readonly #url: string;
  #running: readonly Running[] = [];
  #started = 0;

  constructor(url: string) {
    this.#url = url;
  }

  get releases(): readonly string[] {
    return this.#running.map(({ release }) => release);
  }

  /** Starts one more; resolves when it serves. */
  async add(release: string): Promise<void> {
    this.#started += 1;
    const env = { ...process.env, SKEIN_URL: this.#url, SKEIN_NAME: `shop-${String(this.#started)}` };
    const child = fork(program, [release], { env });
    this.#running = [...this.#running, { release, child }];
    const [said] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as unknown[];
    if (said !== 'ready') throw new Error(`a shop of release ${release} ended before it served`);
  }

  /** The successor serves before the oldest one leaves. */
  async replaceOldest(release: string): Promise<void> {
    await this.add(release);
    const [oldest, ...others] = this.#running;
    this.#running = others;
    if (oldest) await leave(oldest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map(leave));
  }
}

const leave = async ({ child }: Running): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
};
