import { createNode } from '../../lib/index.js';
import { Worker } from './contract.js';

/** A process that serves: its arguments are a URL and the names of its servers; it ends when its parent's pipe closes. */
const [url = '', ...servers] = process.argv.slice(2);
const node = await createNode(url);
const tokens: string[] = [];
for (const server of servers.length > 0 ? servers : [node.name]) {
  await node.serve(
    Worker,
    {
      who: () => ({ server, incarnation: node.id, pid: process.pid }),
      echo: (input) => input,
      blob: (input) => input,
      hang: (token) => {
        tokens.push(token);
        return new Promise<string>(() => undefined);
      },
      tokens: () => tokens,
      note: () => undefined,
    },
    { server },
  );
}
process.on('disconnect', () => {
  void node.close();
});
process.send?.({ ready: true });
