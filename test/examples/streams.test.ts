import { expect, it } from 'vitest';
import { runTs } from '../run.js';

it.each([
  [
    'log-tail follows a file as it grows',
    'log-tail',
    ['started', ...[1, 2, 3, 4, 5].map((n) => `request ${String(n)} served`), 'stopped'],
  ],
  [
    'upload sends a file, and shows how far it is',
    'upload',
    ['[####################] 100 %', '8388608 bytes arrived: 08f991fd98771200'],
  ],
  [
    'chat goes both ways',
    'chat',
    [
      'ann hears room: ann joins',
      'ann hears room: bob joins',
      'bob hears room: bob joins',
      'ann hears ann: hello',
      'bob hears ann: hello',
      'ann hears bob: hello, ann',
      'bob hears bob: hello, ann',
      'ann hears room: bob leaves',
    ],
  ],
  [
    'ticker has the newest for who is late',
    'ticker',
    ['who is fast saw most prices', 'who is slow saw few of them, in order', 'both ended with the last one: true'],
  ],
])('%s', async (_, example, lines) => {
  const { code, stdout, stderr } = await runTs([`examples/${example}/main.ts`]);
  const sorted = (all: readonly string[]) => [...all].sort();
  // Whom a sentence reaches first is for the network to say.
  expect(sorted(stdout.trimEnd().split('\n'))).toEqual(sorted(lines));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
