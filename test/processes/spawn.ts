import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { describeWith } from '../needs.js';
import { built } from '../run.js';

/** Runs tests once over each network of sockets; all nodes that they and their processes start have it. */
export const overEachNetwork = (tests: () => void): void => {
  const over = (network: 'zmq' | 'zmtp') => (): void => {
    beforeAll(() => {
      vi.stubEnv('SKEIN_NETWORK', network);
    });
    afterAll(() => {
      vi.unstubAllEnvs();
    });
    tests();
  };
  describeWith('zeromq', 'over zmq,', over('zmq'));
  describe('over zmtp,', over('zmtp'));
};

const children = new Set<ChildProcess>();
const folders = new Set<string>();

/** A folder of this test's own. */
export const privateFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'skein-test-'));
  folders.add(folder);
  return folder;
};

/** A directory of this test's own, in which its processes find each other. */
export const privateUrl = (settings = ''): string => {
  const folder = privateFolder();
  return `zmq+local://${folder}${settings === '' ? '' : `?${settings}`}`;
};

/** Starts a program of this folder; resolves with it once it says that it is ready. What it says besides goes to `hear`. */
export const start = async (
  program: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
  hear?: (message: unknown, child: ChildProcess) => void,
): Promise<ChildProcess> => {
  const child = fork(built(`test/processes/${program}`), args, { execArgv: [...nodeArgs] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  if (hear) child.on('message', (message) => hear(message, child));
  await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${program} ended with ${String(code)} before it was ready`);
    }),
  ]);
  return child;
};

export const startWorker = (url: string, ...servers: readonly string[]): Promise<ChildProcess> =>
  start('worker.ts', [url, ...servers]);

/** Sends the signal and waits until the process is gone. */
export const kill = async (child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
};

/** Ends what a test started, whatever became of the test. */
export const cleanUp = async (): Promise<void> => {
  await Promise.all([...children].map((child) => kill(child)));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
};
