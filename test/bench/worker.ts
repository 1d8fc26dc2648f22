import * as fanoutSkein from './fanout-skein.js';
import * as fanoutZeromq from './fanout-zeromq.js';
import type { Job, Order, Report } from './messages.js';
import * as skein from './skein.js';
import * as zeromq from './zeromq.js';

/** One process of a pair: does what its harness orders. */
let job: Job | undefined;

const tell = (report: Report): void => {
  process.send?.(report);
};

const obey = async (order: Order): Promise<void> => {
  switch (order.do) {
    case 'start': {
      const isSkein = order.role.system === 'skein';
      const [forFanouts, forOthers] = isSkein ? [fanoutSkein, skein] : [fanoutZeromq, zeromq];
      const system = order.role.bench === 'fanout' ? forFanouts : forOthers;
      job = await (order.role.side === 'server' ? system.serve(order.role) : system.connect(order.role));
      tell({ is: 'started', address: job.address });
      break;
    }
    case 'meet':
      await job?.meet?.(order.address);
      tell({ is: 'met' });
      break;
    case 'measure':
      if (!job?.measure) throw new Error('this side is not measured');
      tell({ is: 'measured', ...(await job.measure(order.window, order.seconds)) });
      break;
    case 'rss':
      tell({ is: 'rss', bytes: process.memoryUsage().rss });
      break;
    case 'end':
      await job?.end();
      process.disconnect();
      break;
  }
};

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    tell({ is: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
