import { buildSync } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { lstatSync, symlinkSync } from 'node:fs';
import { built, root } from './run.js';
import { has } from './needs.js';

/**
 * Tests run the library as it is published, and their programs and examples built beside it: from their text, each process would take a second
 * and more to start. Where ZeroMQ's types are missing, the library is what was built before.
 */
export default (): void => {
  if (has('zeromq')) execFileSync('npm', ['run', 'build'], { stdio: 'inherit' });
  buildSync({
    absWorkingDir: root,
    entryPoints: ['examples/**/*.ts', 'examples/**/*.js', 'test/**/*.ts'],
    outdir: built(''),
    outbase: '.',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  if (!lstatSync(built('lib'), { throwIfNoEntry: false })) symlinkSync('../../dist', built('lib'));
};
