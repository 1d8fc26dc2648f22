import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root, runTs, startTs, stop, temporary } from '../run.js';
import { readSnippets } from '../tooling/snippets.js';

const files = ['contract.ts', 'server.ts', 'client.ts'];

const source = (file: string): string => readFileSync(join(root, 'examples/hello', file), 'utf8');

it('greets from another process', async () => {
  using place = temporary();
  const server = startTs(['examples/hello/server.ts'], place);
  try {
    const [ready] = (await once(server.stdout, 'data')) as [Buffer];
    expect(ready.toString()).toBe('ready\n');
    const client = await runTs(['examples/hello/client.ts', 'Ada'], place);
    expect(client).toMatchObject({ code: 0, stdout: 'Hello, Ada!\n', stderr: '' });
  } finally {
    await stop(server);
  }
});

it('takes fewer than 20 lines of code in all', () => {
  const lines = files.flatMap((file) => source(file).split('\n')).filter((line) => line.trim() !== '');
  expect(lines.length).toBeLessThan(20);
});

it('is what the README shows', () => {
  const shown = readSnippets(root).filter(({ page, name }) => page === 'README.md' && files.includes(name ?? ''));
  expect(shown.map(({ name, text }) => [name, text.replace(/^.*\n/, '').trim()])).toEqual(
    files.map((file) => [file, source(file).trim()]),
  );
});
