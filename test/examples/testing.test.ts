import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { install, pack } from '../package/install.js';
import { root, run, temporary } from '../run.js';

vi.setConfig({ testTimeout: 300_000 });

it('tests with the package as it is published, by Node and by vitest', async () => {
  using place = temporary();
  const project = join(place.path, 'orders');
  cpSync(join(root, 'examples/testing'), project, { recursive: true });
  await install(project, [await pack()]);
  const { code, stdout, stderr } = await run('npm', ['test'], {
    cwd: project,
    env: { ...place.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  expect(stdout, stderr).toMatch(/^# pass 3$/m);
  expect(stdout).toMatch(/Tests +2 passed/);
  expect(code).toBe(0);
});
