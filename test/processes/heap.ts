import { lastValueFrom, mergeMap, range } from 'rxjs';
import { createNode } from '../../lib/index.js';
import { Worker } from './contract.js';

/** Makes a million calls and tells what its heap held after the first hundred thousand, and after all. */
const node = await createNode(process.argv[2] ?? '');
const client = node.client(Worker);

const make = async (calls: number): Promise<number> => {
  for (let left = calls; left > 0; left -= 10_000) {
    await lastValueFrom(range(0, 10_000).pipe(mergeMap((n) => client.echo(n), 256)));
  }
  // Twice, for what the first one finalizes.
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

process.once('message', () => {
  void (async () => {
    const first = await make(100_000);
    const last = await make(900_000);
    process.send?.({ first, last });
    await node.close();
    process.disconnect();
  })();
});
process.send?.({ ready: true });
