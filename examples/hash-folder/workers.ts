import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { from, merge, type Observable } from 'rxjs';
import { aborted } from './aborted.js';
import { whatWentWrong } from './problem.js';

const program = join(import.meta.dirname, `worker${extname(import.meta.filename)}`);

/** How long a worker that was told to end may take before it is killed, in ms. */
const graceMs = 3_000;

/** Processes with a pipe from here: when it closes, even because this process was killed, they end by themselves. */
export interface Workers extends AsyncDisposable {
  /** Says who ended, and how; completes when all have. */
  readonly ended$: Observable<string>;
}

/** Starts workers that meet at that URL; resolves when all of them serve, and rejects, with none left, if one does not or the signal aborts. */
export const startWorkers = async (names: readonly string[], url: string, signal: AbortSignal): Promise<Workers> => {
  const workers = names.map((name) => startWorker(name, url));
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.close()));
  };
  try {
    await Promise.race([Promise.all(workers.map(({ ready }) => ready)), aborted(signal)]);
  } catch (error) {
    await close();
    throw error;
  }
  return { ended$: merge(...workers.map(({ ended }) => from(ended))), [Symbol.asyncDispose]: close };
};

const startWorker = (name: string, url: string) => {
  const child = spawn(process.execPath, [...process.execArgv, program], {
    env: { ...process.env, SKEIN_URL: url, SKEIN_NAME: name },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(
    ([code, signal]: unknown[]) => `${name} ended with ${String(code ?? signal)}`,
    (error: unknown) => `${name} could not be started: ${whatWentWrong(error)}`,
  );
  const tooEarly = ended.then((how) => {
    throw new Error(`${how} before it was ready`);
  });
  return {
    ended,
    /** It says so when it serves. */
    ready: Promise.race([once(child.stdout, 'data'), tooEarly]),
    close: async (): Promise<void> => {
      child.stdin.end();
      const killing = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(killing);
    },
  };
};
