import { createNode } from '../../lib/index.js';
import { Held } from './held.js';

/** One process with a server for each URL: its arguments are names and URLs. Says when a call is held, and answers it when told to. */
const args = process.argv.slice(2);
let release: () => void = () => undefined;
const released = new Promise<void>((resolve) => (release = resolve));
for (let i = 0; i < args.length; i += 2) {
  const name = args[i] ?? '';
  const node = await createNode(args[i + 1] ?? '', { name });
  await node.serve(Held, {
    hold: async () => {
      process.send?.({ held: name });
      await released;
      return name;
    },
  });
}
process.on('message', () => {
  release();
});
process.send?.({ ready: true });
