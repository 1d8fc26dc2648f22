import { readdirSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { runTs, temporary } from '../run.js';

// Six processes start, one after the other.
vi.setConfig({ testTimeout: 90_000 });

it('goes from 1.0 by 1.1 to 2.0 while customers of 1.0 and of 2.0 call on and on', async () => {
  using place = temporary();
  const { code, stdout, stderr } = await runTs(['examples/versions/main.ts'], place);
  expect(stdout.split('\n')).toEqual([
    'shops of 1.0 and 1.0: a customer of 1.0 is served by 1.0',
    'shops of 1.0 and 1.1: a customer of 1.0 is served by 1.0 and 1.1',
    'shops of 1.1 and 1.1: a customer of 1.0 is served by 1.1',
    'shops of 1.1 and 2.0: a customer of 1.0 is served by 1.1 and 2.0, one of 2.0 by 2.0',
    'shops of 2.0 and 2.0: a customer of 1.0 is served by 2.0, one of 2.0 by 2.0',
    'no call failed',
    '',
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(readdirSync(place.path).filter((name) => name.startsWith('skein-versions'))).toEqual([]);
});
