import { createNode } from '../../lib/index.js';
import { Worker } from './contract.js';

/** Many nodes in one process, each with a server of its own: its arguments are a URL and how many. */
const [url = '', count = '1'] = process.argv.slice(2);
const nodes = await Promise.all(
  Array.from({ length: Number(count) }, async (_, i) => {
    const node = await createNode(url, { name: `server-${String(i)}` });
    const never = () => new Promise<never>(() => undefined);
    await node.serve(Worker, {
      who: () => ({ server: node.name, incarnation: node.id, pid: process.pid }),
      echo: (input) => input,
      blob: (input) => input,
      hang: never,
      tokens: () => [],
      note: () => undefined,
    });
    return node;
  }),
);
process.on('disconnect', () => {
  void Promise.all(nodes.map((node) => node.close()));
});
process.send?.({ ready: true });
