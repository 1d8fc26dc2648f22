import { createHistogram } from 'node:perf_hooks';
import { createNode, isSkeinError } from '../../lib/index.js';
import { Flooded, type Order, type Report } from './flood-contract.js';

/** Measures, or floods, as it is told: its argument is a URL. */
const node = await createNode(process.argv[2] ?? '');
const client = node.client(Flooded);
await client.$ping();

const tell = (report: Report): void => {
  process.send?.(report);
};

const measure = async (forMs: number): Promise<void> => {
  const histogram = createHistogram();
  const endsAt = performance.now() + forMs;
  for (let n = 0; performance.now() < endsAt; n += 1) {
    const startedAt = performance.now();
    await client.work(n);
    histogram.record(Math.max(1, Math.round((performance.now() - startedAt) * 1_000)));
  }
  tell({ is: 'measured', p99Ms: histogram.percentile(99) / 1_000, calls: histogram.count });
};

let isFlooding = false;
let left = 0;
const ends = { answered: 0, refused: 0 };

/** A caller without manners: asks again as soon as it is answered or refused. */
const ask = async (): Promise<void> => {
  while (isFlooding) {
    try {
      await client.work(0);
      ends.answered += 1;
    } catch (error) {
      if (!isSkeinError(error, 'overloaded')) throw error;
      ends.refused += 1;
    }
    if (ends.answered + ends.refused === 1_000) tell({ is: 'flooding' });
  }
  left -= 1;
  if (left === 0) tell({ is: 'stopped', ...ends });
};

const flood = (underWay: number): void => {
  isFlooding = true;
  left = underWay;
  ends.answered = 0;
  ends.refused = 0;
  for (let i = 0; i < underWay; i += 1) void ask();
};

process.on('message', (order: Order) => {
  switch (order.do) {
    case 'measure':
      void measure(order.forMs);
      break;
    case 'flood':
      flood(order.underWay);
      break;
    case 'stop':
      isFlooding = false;
      break;
  }
});
process.on('disconnect', () => {
  void node.close();
});
tell({ is: 'ready' });
