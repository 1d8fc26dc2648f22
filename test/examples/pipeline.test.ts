import { expect, it } from 'vitest';
import { runTs } from '../run.js';

it('shrinks pictures with a service that fails and sleeps, four at a time, and gives up on one', async () => {
  const { code, stdout, stderr } = await runTs(['examples/pipeline/main.ts']);
  expect(stdout.split('\n')).toEqual([
    '39 of 40 thumbnails made: b7c5d19b0747d56e',
    '55 requests, at most 4 at once',
    'picture 13 given up: SkeinError: [remote-error] Error: picture 13 is too difficult',
    '',
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
