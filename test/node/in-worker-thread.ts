/** Creates nodes inside a worker thread, with ZeroMQ's library and as by default, then one outside, and prints how that went. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createNode } from 'skein';

// Worker threads of Node 20 do not inherit what makes this process understand TypeScript.
const inside = `
  import('tsx/esm/api').then(async ({ register }) => {
    register();
    const { createNode } = await import(${JSON.stringify(new URL('../../lib/index.ts', import.meta.url).href)});
    await createNode('zmq+local://?network=zmq').catch((error) => console.log(error.message));
    const node = await createNode('zmq+local://');
    console.log('a node can be made inside: ' + (node.id.length > 0));
    await node.close();
  });
`;
const worker = new Worker(inside, { eval: true });
const [code] = (await once(worker, 'exit')) as [number];
await using node = await createNode('zmq+local://');
console.log(`the worker ended with ${String(code)}, and a node can be made outside: ${String(node.id.length > 0)}`);
