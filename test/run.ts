import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../', import.meta.url));

export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
  /** Where what was printed need not be text. */
  readonly bytes: Buffer;
}

interface Where {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** By default it is at its end. */
  readonly stdin?: 'pipe' | undefined;
}

/** The environment without what would lead nodes elsewhere. */
const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SKEIN_')));

export const start = (command: string, args: readonly string[], { cwd = root, env = {}, stdin }: Where = {}) => {
  const child = spawn(command, args, { cwd, env: { ...plain, ...env }, stdio: 'pipe' });
  if (stdin === undefined) child.stdin.end();
  return child;
};

/** Where a program of this project, or a folder of them, is as it was built for the tests. */
export const built = (path: string): string => join(root, '.cache/built', path.replace(/\.ts$/, '.js'));

/** Starts a program of this project as it was built. */
export const startBuilt = ([program = '', ...args]: readonly string[], where?: Where) =>
  start(process.execPath, [built(program), ...args], where);

/** Starts a TypeScript program of this project from its text, as who reads it does. */
export const startTs = (args: readonly string[], where?: Where) => start(process.execPath, ['--import', 'tsx', ...args], where);

/** Waits until the process has ended and said all. */
export const end = async (child: ReturnType<typeof start>): Promise<Ended> => {
  const [bytes, errors] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended(child)]);
  return { code: child.exitCode ?? String(child.signalCode), stdout: bytes.toString(), stderr: errors.toString(), bytes };
};

export const run = (command: string, args: readonly string[], where?: Where): Promise<Ended> => end(start(command, args, where));

export const runBuilt = (args: readonly string[], where?: Where): Promise<Ended> => end(startBuilt(args, where));

export const runTs = (args: readonly string[], where?: Where): Promise<Ended> => end(startTs(args, where));

/** Ends a process that the test started, if it still runs. */
export const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await ended(child);
};

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
};

/** A folder of its own, which goes with the scope; processes with this environment meet only each other. */
export const temporary = (): Disposable & { readonly path: string; readonly env: Readonly<Record<string, string>> } => {
  const path = mkdtempSync(join(tmpdir(), 'skein-test-'));
  return {
    path,
    env: { TMPDIR: path, XDG_RUNTIME_DIR: '' },
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
};
