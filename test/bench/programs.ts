import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const all = new Set<() => void>();
process.once('exit', () => {
  // Those who use a folder end before it goes.
  for (const end of [...all].reverse()) end();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

/** A folder of its own, for as long as the harness runs. */
export const privateFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'skein-bench-'));
  all.add(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  return folder;
};

/** Unless the harness is killed, the program ends with it, and what that has started: it leads a group of processes. */
export const endWithHarness = <C extends ChildProcess>(leader: C): C => {
  const end = (): void => {
    signalGroup(leader, 'SIGKILL');
  };
  all.add(end);
  leader.once('exit', () => all.delete(end));
  return leader;
};

/** One that has gone meanwhile needs no signal. */
export const signalGroup = ({ pid }: ChildProcess, signal: NodeJS.Signals): void => {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};

/** Starts a program of this folder, which leaves its sockets in that one. */
export const startProgram = (
  program: string,
  folder: string,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): ChildProcess =>
  endWithHarness(
    fork(fileURLToPath(new URL(program, import.meta.url)), args, {
      env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder },
      execArgv: [...nodeArgs, ...process.execArgv],
      detached: true,
    }),
  );
