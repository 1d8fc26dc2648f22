import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';

export type Kind = 'api' | 'scheduler' | 'compute';

export type MemberState = 'starting' | 'live' | 'draining' | 'ended' | 'killed';

/** How long one that was told to end may take before it is killed, in ms. */
const graceMs = 10_000;

/** One process of the cloud. It ends when it is told to, and also when this process ends, however that comes. */
export class Member {
  readonly kind: Kind;
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves once it serves; rejects where it ends before. */
  readonly ready: Promise<void>;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #state: MemberState = 'starting';
  #isLeaving = false;

  /** `log` is given what it says on stderr, line by line. */
  constructor(kind: Kind, name: string, env: Readonly<Record<string, string>>, log: (line: string) => void) {
    this.kind = kind;
    this.name = name;
    // A group of its own: a terminal's Ctrl-C reaches the main program only, which then ends the others in order.
    this.#child = fork(join(import.meta.dirname, kind + extname(import.meta.filename)), {
      env: { ...process.env, ...env, SKEIN_NAME: name },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
    });
    this.pid = this.#child.pid;
    if (this.#child.stderr) createInterface(this.#child.stderr).on('line', log);
    this.ended = once(this.#child, 'exit').then(
      ([code, signal]: unknown[]) => `${name} ended with ${String(signal ?? code)}`,
      (error: unknown) => `${name} could not be started: ${String(error)}`,
    );
    this.ready = Promise.race([
      once(this.#child, 'message').then(() => this.#becomes('live')),
      this.ended.then((how) => {
        throw new Error(`${how} before it was ready`);
      }),
    ]);
    // Who waits for it hears of it; nobody may, where another one failed before.
    this.ready.catch(() => undefined);
    void this.ended.then(() => this.#becomes(this.#state === 'killed' ? 'killed' : 'ended'));
  }

  get state(): MemberState {
    return this.#state;
  }

  /** Whether it was told to end, or was killed from here. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** As when its host loses power: it has no time for anything. */
  async kill(): Promise<void> {
    this.#isLeaving = true;
    this.#becomes('killed');
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** Nobody waits any more for what it does: it ends with all of that. */
  abandon(): void {
    this.#isLeaving = true;
    if (this.#child.connected) this.#child.disconnect();
  }

  /** Tells it to finish what it has begun, and waits until it has. */
  async drain(): Promise<void> {
    if (this.#state === 'ended' || this.#state === 'killed') return;
    this.#isLeaving = true;
    this.#becomes('draining');
    this.#child.kill('SIGTERM');
    const killing = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(killing);
  }

  #becomes(state: MemberState): void {
    this.#state = state;
  }
}
