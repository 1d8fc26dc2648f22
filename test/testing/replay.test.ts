import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { root, run, runTs } from '../run.js';
import { digest, eventLog } from './replay-log.js';

vi.setConfig({ testTimeout: 120_000 });

it('has one log of events a seed, to the byte, in every run and in another process', async () => {
  const first = await eventLog(3);
  expect(first.length).toBeGreaterThan(500);
  expect(first.filter((line) => line.includes(' by a at ')).length).toBeGreaterThan(5);
  expect(await eventLog(3)).toEqual(first);
  expect(await eventLog(3)).toEqual(first);
  expect(digest(await eventLog(4))).not.toBe(digest(first));
  const { stdout, stderr } = await runTs(['test/testing/replay-log.ts', '3']);
  expect(stdout.trim(), stderr).toBe(digest(first));
});

it('prints the one line that runs a failing seed again', async () => {
  // Within the project, where its packages are found.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const place = mkdtempSync(join(root, '.cache/it fails-'));
  onTestFinished(() => {
    rmSync(place, { recursive: true });
  });
  const file = join(place, "what's lost.test.mts");
  writeFileSync(
    file,
    `import test from 'node:test';
     import { explore } from '${join(root, 'lib/testing.ts')}';
     test('fails', () => explore({ seeds: 9 }, ({ seed }) => { if (seed > 4) throw new Error('it is ' + seed); }));`,
  );
  const env = { VITEST: '', JEST_WORKER_ID: '' };
  const first = await run(process.execPath, ['--import', 'tsx', '--test', file], { env });
  const [, line = ''] = /see it again: (SKEIN_SEED=5 node .*)/.exec(first.stdout) ?? [];
  const again = await run('sh', ['-c', line], { env });
  expect(again.code).toBe(1);
  expect(again.stdout).toContain('it is 5');
  expect(again.stdout).toContain(`see it again: ${line}`);
});
