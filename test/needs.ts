import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe } from 'vitest';

/** Debian's own, for which its packages are. */
export const python = '/usr/bin/python3';

const isThere = {
  zeromq: () => {
    try {
      createRequire(import.meta.url).resolve('zeromq');
      return true;
    } catch {
      return false;
    }
  },
  // Others keep, or give back, what is freed as they see fit.
  glibc: () => 'glibcVersionRuntime' in (process.report.getReport() as { readonly header: object }).header,
  'python3-zmq': () => spawnSync(python, ['-c', 'import zmq']).status === 0,
};

export type Need = keyof typeof isThere;

export const has = (need: Need): boolean => isThere[need]();

/** A suite of what not every machine has. Where that is missing it is skipped, and its name says why. */
export const describeWith = (need: Need, name: string, tests: () => void): void => {
  const isMissing = !has(need);
  // eslint-disable-next-line no-restricted-syntax -- the one place where tests are skipped
  describe.skipIf(isMissing)(isMissing ? `${name} (skipped, for ${need} is not installed)` : name, tests);
};
