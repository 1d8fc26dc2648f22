import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { runSnippet } from './run-snippets.js';
import { typeProblems } from './snippet-types.js';
import { missingScripts, readSnippets, runsOf, snippetsOf } from './snippets.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

const page = (...lines: string[]): string => lines.join('\n');

it('finds each code block with its language, name and line', () => {
  const text = page(
    '# Title',
    '```ts',
    '// file: a.ts',
    'export const a = 1;',
    '```',
    '- item',
    '  ```sh',
    '  npm test',
    '  ```',
  );
  expect(snippetsOf('p.md', text)).toEqual([
    { page: 'p.md', line: 3, language: 'ts', text: '// file: a.ts\nexport const a = 1;', continues: false, name: 'a.ts' },
    { page: 'p.md', line: 8, language: 'sh', text: 'npm test', continues: false, name: undefined },
  ]);
});

it('leaves what stands inside a longer fence alone', () => {
  const text = page('````md', '```ts', 'nonsense(', '```', '````');
  expect(snippetsOf('p.md', text).map(({ language }) => language)).toEqual(['md']);
});

it('tells what a block has wrong, by its line in the page', () => {
  const text = page('```ts', 'const a = 1;', "const b: string = 'b';", 'export const c: string = a;', '```');
  expect(typeProblems(root, snippetsOf('p.md', text))).toEqual([expect.stringMatching(/^p\.md:4 TS2322: /)]);
});

it('lets a block import a named one and continue the one before it', () => {
  const text = page(
    ...['```ts', '// file: a.ts', 'export const a = 1;', '```'],
    ...['```ts', "import { a } from './a.js';", 'const b: number = a;', '```'],
    ...['```ts continue', 'const c: number = b;', 'const d: string = c;', '```'],
  );
  expect(typeProblems(root, snippetsOf('p.md', text))).toEqual([expect.stringMatching(/^p\.md:11 TS2322: /)]);
});

it('keeps the blocks of a page apart, and the pages too', () => {
  const one = snippetsOf('one.md', page('```ts', '// file: a.ts', 'const a = 1;', '```', '```ts', 'const a = 2;', '```'));
  const two = snippetsOf('two.md', page('```ts', '// file: a.ts', 'const a = 3;', '```'));
  expect(typeProblems(root, [...one, ...two])).toEqual([]);
});

it('refuses two blocks of one name on one page', () => {
  const block = ['```ts', '// file: a.ts', '```'];
  expect(typeProblems(root, snippetsOf('p.md', page(...block, ...block)))).toEqual(['p.md:5 is a second a.ts']);
});

it('names the scripts that package.json does not have', () => {
  const text = page('```sh', 'npm ci', 'npm test', 'npm run check', 'npm run nothing', '```');
  expect(missingScripts(snippetsOf('p.md', text), { test: '', check: '' })).toEqual([
    'p.md:2 names the script nothing, which package.json does not have',
  ]);
});

it('runs a page: programs in the background first, then the ones that must end', async () => {
  const [run] = runsOf(
    snippetsOf(
      'test-page.md',
      page(
        ...['```ts', '// file: server.ts', "console.log('ready');", 'setInterval(() => {}, 1_000);', '```'],
        ...['```ts', '// file: client.ts', "console.log(process.argv[2] ?? '');", '```'],
        ...['```sh', 'npx tsx server.ts &', 'npx tsx client.ts hello', '```', '```text', 'hello', '```'],
      ),
    ),
  );
  expect(run?.prints).toBe('hello');
  const printed = await runSnippet(root, run!);
  expect(printed.trim()).toBe(run?.prints);
});

it('fails where a program of a page fails', async () => {
  const [run] = runsOf(
    snippetsOf('test-page.md', page('```ts', '// file: bad.ts', 'process.exit(3);', '```', '```sh', 'npx tsx bad.ts', '```')),
  );
  await expect(runSnippet(root, run!)).rejects.toThrow('tsx bad.ts ended with 3');
});

for (const run of runsOf(readSnippets(root))) {
  it(`${run.page}:${String(run.line)} runs as it is written`, async () => {
    const printed = await runSnippet(root, run);
    if (run.prints !== undefined) expect(printed.trim()).toBe(run.prints.trim());
  });
}
