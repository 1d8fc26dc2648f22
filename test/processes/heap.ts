import { getHeapSpaceStatistics } from 'node:v8';
import { lastValueFrom, mergeMap, range } from 'rxjs';
import { createNode } from '../../lib/index.js';
import { Worker } from './contract.js';

/**
 * Makes a million calls and tells what its heap held after the first hundred thousand, and after all; and how much a few more leave in the old
 * generation at the least, which is collected rarely, once the heap has been marked.
 */
const node = await createNode(process.argv[2] ?? '');
const client = node.client(Worker);

const few = 10_000;
const rounds = 5;

const makeFew = () => lastValueFrom(range(0, few).pipe(mergeMap((n) => client.echo(n), 256)));

const make = async (calls: number): Promise<number> => {
  for (let left = calls; left > 0; left -= few) await makeFew();
  // Twice, for what the first one finalizes.
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const oldBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;

process.once('message', () => {
  void (async () => {
    const first = await make(100_000);
    const last = await make(900_000);
    let promoted = Infinity;
    // The least of some: where the machine is busy, what is under way waits, and may be as old as that.
    for (let round = 0; round < rounds; round += 1) {
      const oldBefore = oldBytes();
      await makeFew();
      promoted = Math.min(promoted, oldBytes() - oldBefore);
    }
    process.send?.({ first, last, promoted });
    await node.close();
    process.disconnect();
  })();
});
process.send?.({ ready: true });
