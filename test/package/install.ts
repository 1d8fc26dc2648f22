import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../run.js';

/** Of this process, for several may pack at once. */
const stage = join(root, '.cache/stage', String(process.pid));
process.on('exit', () => {
  rmSync(stage, { recursive: true, force: true });
});

/** Fails with all that a command said. */
export const must = async (command: string, args: readonly string[], cwd: string): Promise<string> => {
  const { code, stdout, stderr } = await run(command, args, { cwd });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}\n${stdout}${stderr}`);
  return stdout;
};

/** The tarball that would be published, of what was built before the tests. */
export const pack = async (): Promise<string> => {
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  for (const name of ['dist', 'package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'docs']) {
    cpSync(join(root, name), join(stage, name), { recursive: true });
  }
  const name = await must('npm', ['pack', '--ignore-scripts', '--silent'], stage);
  return join(stage, name.trim());
};

/** Installs the tarball, and what else is asked for, into a project, or into an empty folder as one. */
export const install = async (folder: string, packages: readonly string[]): Promise<void> => {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) writeFileSync(manifest, JSON.stringify({ name: 'app', private: true, type: 'module' }));
  const quietly = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await must('npm', ['install', ...quietly, ...packages], folder);
};
