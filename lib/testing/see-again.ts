import { relative } from 'node:path';

/** The one line to type in a shell that runs what runs now, by that seed. */
export const seeAgain = (seed: number): string => `see it again: SKEIN_SEED=${String(seed)} ${testCommand()}`;

const testCommand = (): string => {
  const { VITEST, JEST_WORKER_ID } = process.env;
  if (VITEST) return `npx vitest run ${fileOfMatchers()}`.trim();
  if (JEST_WORKER_ID) return `npx jest ${fileOfMatchers()}`.trim();
  const [, script = '', ...args] = process.argv;
  return ['node', ...process.execArgv, script && nearer(script), ...args].filter(Boolean).map(quoted).join(' ');
};

/** Both Vitest and Jest tell their matchers which file is being tested. */
const fileOfMatchers = (): string => {
  const matchers = (globalThis as Record<symbol, unknown>)[Symbol.for('$$jest-matchers-object')];
  const { testPath } = (matchers as { readonly state?: { readonly testPath?: string } } | undefined)?.state ?? {};
  return testPath === undefined ? '' : quoted(nearer(testPath));
};

const nearer = (path: string): string => {
  const near = relative('', path);
  return near.startsWith('..') ? path : near;
};

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
