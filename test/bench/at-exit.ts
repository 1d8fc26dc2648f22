import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const all = new Set<() => void>();
process.once('exit', () => {
  // Those who use a folder end before it goes.
  for (const end of [...all].reverse()) end();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

/** Ends what must not outlive the harness, however it ends; what is returned takes that back. */
export const atExit = (end: () => void): (() => void) => {
  all.add(end);
  return () => {
    all.delete(end);
  };
};

/** A folder of its own, for as long as the harness runs. */
export const privateFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'skein-bench-'));
  atExit(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  return folder;
};
