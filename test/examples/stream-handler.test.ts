import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runTs, temporary } from '../run.js';

it('writes the lines of many callers in few batches, each journal in order', async () => {
  using place = temporary();
  const folder = place.path;
  const { code, stdout, stderr } = await runTs(['examples/stream-handler/main.ts', folder]);
  expect(stdout.split('\n')).toEqual(['1000 lines in 5 journals, in order', 'few writes', 'not written: no/such/folder.log', '']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const files = readdirSync(folder).sort();
  expect(files).toEqual(['arrivals.log', 'departures.log', 'orders.log', 'payments.log', 'visits.log']);
  const expected = Array.from({ length: 200 }, (_, index) => `line ${String(index + 1)}\n`).join('');
  for (const file of files) expect(readFileSync(join(folder, file), 'utf8')).toBe(expected);
});
