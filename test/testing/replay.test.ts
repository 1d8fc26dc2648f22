import { expect, it, vi } from 'vitest';
import { runTs } from '../run.js';
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
