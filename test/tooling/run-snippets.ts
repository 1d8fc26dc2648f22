import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Run } from './snippets.js';

const start = (folder: string, home: string, args: readonly string[]) =>
  spawn(process.execPath, ['--import', 'tsx', ...args], {
    cwd: folder,
    // A host of its own: what other tests register must not be found here.
    env: { ...process.env, TMPDIR: home, XDG_RUNTIME_DIR: home },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill();
  await exit;
};

/** Runs what a `sh` block says; gives what its foreground programs printed, and throws if one fails. */
export const runSnippet = async (root: string, { page, files, commands }: Run): Promise<string> => {
  const folder = join(root, '.cache/snippets', page);
  mkdirSync(folder, { recursive: true });
  for (const [name, source] of files) writeFileSync(join(folder, name), source);
  const home = mkdtempSync(join(tmpdir(), 'skein-'));
  const behind: ChildProcess[] = [];
  let printed = '';
  try {
    for (const { args, background } of commands) {
      const child = start(folder, home, args);
      if (background) {
        behind.push(child);
        await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
        continue;
      }
      const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      const how = child.exitCode ?? child.signalCode;
      if (how !== 0) throw new Error(`${page}: tsx ${args.join(' ')} ended with ${String(how)}\n${output}`);
      printed += output;
    }
    return printed;
  } finally {
    await Promise.all(behind.map(end));
    rmSync(home, { recursive: true, force: true });
  }
};
