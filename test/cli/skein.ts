import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { filter, firstValueFrom, ReplaySubject, timeout } from 'rxjs';
import { root, run, start, startBuilt, stop } from '../run.js';

type Env = Readonly<Record<string, string>>;

/** As it is published. */
const main = `${root}dist/cli/main.js`;

/** Runs a command to its end, as a user would. */
export const skein = (args: readonly string[], env: Env = {}) => run(process.execPath, [main, ...args], { env });

/** A program that a test started, and all lines that it said. */
export class Watched implements AsyncDisposable {
  readonly child: ReturnType<typeof start>;
  readonly #line$ = new ReplaySubject<string>(Infinity);

  constructor(child: ReturnType<typeof start>) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#line$.next(line);
      });
    }
  }

  /** The first line that is like it, also of those that came before. */
  line(like: RegExp): Promise<string> {
    return firstValueFrom(
      this.#line$.pipe(
        filter((line) => like.test(line)),
        timeout(60_000),
      ),
    );
  }

  /** All lines that it has said so far. */
  get lines(): readonly string[] {
    const lines: string[] = [];
    this.#line$.subscribe((line) => lines.push(line)).unsubscribe();
    return lines;
  }

  /** Its exit code, or the signal that ended it, once it has said all. */
  async end(): Promise<number | string> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return this.child.exitCode ?? String(this.child.signalCode);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.child);
  }
}

/** `skein up`, or another command that goes on. */
export const startSkein = (args: readonly string[], env: Env, stdin?: 'pipe'): Watched =>
  new Watched(start(process.execPath, [main, ...args], { env, stdin }));

export const startService = async (name: string, env: Env): Promise<Watched> => {
  const service = new Watched(startBuilt(['test/cli/services/compute.ts'], { env: { ...env, SKEIN_NAME: name } }));
  await service.line(/^ready /);
  return service;
};
