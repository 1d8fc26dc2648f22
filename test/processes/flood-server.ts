import { setTimeout } from 'node:timers/promises';
import { createNode } from '../../lib/index.js';
import { Flooded, type Report, workMs } from './flood-contract.js';

/** Serves what takes a few ms, few at once: its argument is a URL. */
const node = await createNode(process.argv[2] ?? '');
await node.serve(Flooded, { work: (n) => setTimeout(workMs, n) });
process.on('disconnect', () => {
  void node.close();
});
process.send?.({ is: 'ready' } satisfies Report);
