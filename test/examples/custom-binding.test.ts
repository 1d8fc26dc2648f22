import { expect, it } from 'vitest';
import { runTs } from '../run.js';

it("replaces one port by the user's own, made from others", async () => {
  const { code, stdout, stderr } = await runTs(['examples/custom-binding/override.ts']);
  expect(stdout.split('\n')).toEqual(['Hello, Ada!', 'Hello, Grace!', 'Hello, Barbara!', '3 requests went well', '']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('replaces what an Inversify module rebinds', async () => {
  const { code, stdout, stderr } = await runTs(['examples/custom-binding/module.ts']);
  expect(stdout.split('\n')).toEqual([
    '{"level":"error","message":"the handler of hello failed"}',
    'SkeinError: [remote-error] RangeError: Ada is not at home',
    '',
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
