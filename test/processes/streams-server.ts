import { createNode } from '../../lib/index.js';
import { Counted, Streams } from './streams-contract.js';

/** A process that serves streams; it ends when its parent's pipe closes. */
const [url = ''] = process.argv.slice(2);
const node = await createNode(url, { name: 'server' });
const seen = new Counted();
await node.serve(Streams, {
  give: () => seen.items(),
  take: (item$, { open }) => seen.consume(item$, open),
  swap: (item$, { open }) => {
    // It ends with the stream, whichever way.
    seen.consume(item$, open).catch(() => undefined);
    return seen.items();
  },
  look: () => seen.look(),
  work: async ({ endMs, blockMs }) => {
    await new Promise((resolve) => setTimeout(resolve, endMs / 2));
    for (const until = performance.now() + blockMs; performance.now() < until;);
    await new Promise((resolve) => setTimeout(resolve, endMs / 2));
    return 'done';
  },
});
process.on('disconnect', () => {
  void node.close();
});
process.send?.({ ready: true });
