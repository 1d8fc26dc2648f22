import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root, runTs, temporary } from '../run.js';

const main = join(root, 'examples/custom-actor/main.ts');

it('counts the lines of files, and goes on behind one that cannot be read', async () => {
  using place = temporary();
  const texts = { 'a.txt': 'one\ntwo\nthree\n', 'b.txt': 'one\n', 'c.txt': 'one\ntwo' };
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(place.path, name), text);
  const files = ['a.txt', 'none.txt', 'b.txt', 'c.txt'].map((name) => join(place.path, name));
  const { code, stdout, stderr } = await runTs([main, ...files], place);
  expect(stdout.replaceAll(`${place.path}/`, '').split('\n')).toEqual([
    'a.txt: 3 lines',
    "none.txt: Error: ENOENT: no such file or directory, open 'none.txt'",
    'b.txt: 1 lines',
    'c.txt: 2 lines',
    '6 lines in 3 files',
    'crew: running, 4 taken, 0 restarts',
    '  reader-1: running, 2 taken, 0 restarts',
    '  reader-2: running, 2 taken, 1 restarts',
    '',
  ]);
  expect(stderr).toContain('/user/crew/reader-2 failed and is restarted in ');
  expect(code).toBe(0);
});

it('says how it is used', async () => {
  const { code, stdout, stderr } = await runTs([main]);
  expect({ code, stdout, stderr }).toEqual({
    code: 2,
    stdout: '',
    stderr: 'Counts the lines of files: npx tsx examples/custom-actor/main.ts FILE…\n',
  });
});
