import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWith } from '../needs.js';
import { root, run } from '../run.js';

const messages = 200;
/** On which a MiB lies. */
const pages = 256;

/** Receives messages of a MiB each, and says how many pages each had to be given anew once that goes on for a while. */
const program = `
  import { collectEarly } from ${JSON.stringify(join(root, 'dist/adapters/wires/collect-early.js'))};
  const receive = () => {
    for (let i = 0; i < ${String(messages)}; i += 1) collectEarly([Buffer.allocUnsafeSlow(2 ** 20).fill(7)]);
  };
  receive();
  const before = process.resourceUsage().minorPageFault;
  receive();
  console.log((process.resourceUsage().minorPageFault - before) / ${String(messages)});
`;

describeWith('glibc', 'what was received', () => {
  it('leaves its memory to what is received next', async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
    expect(Number(stdout)).toBeLessThan(pages / 25);
  });
});
