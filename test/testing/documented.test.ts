import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { root, run } from '../run.js';

vi.setConfig({ testTimeout: 120_000 });

const read = (page: string): string => readFileSync(join(root, 'docs', page), 'utf8');

it.each(['testing.md', 'streams.md'])('has %s, of which each example runs', async (page) => {
  // Within the project, where its packages are found.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const place = mkdtempSync(join(root, '.cache/docs-'));
  onTestFinished(() => {
    rmSync(place, { recursive: true });
  });
  const examples = [...read(page).matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = '']) => text);
  expect(examples.length).toBeGreaterThan(2);
  const files = examples.map((text, i) => {
    const file = join(place, `example-${String(i)}.test.ts`);
    writeFileSync(file, text);
    return file;
  });
  const { code, stdout } = await run(process.execPath, ['--import', 'tsx', '--test', ...files], { cwd: root });
  expect(stdout).toMatch(new RegExp(`^# pass ${String(examples.length)}$`, 'm'));
  expect(code, stdout).toBe(0);
});

it('has examples of at most 15 lines of test', () => {
  const tests = [...read('testing.md').matchAll(/^test\(.*?^ {2}\}\)\);$/gms)].map(([text]) => text.split('\n').length);
  expect(tests.length).toBeGreaterThan(5);
  expect(Math.max(...tests)).toBeLessThanOrEqual(15);
});
