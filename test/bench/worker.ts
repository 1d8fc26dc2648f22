import { fanoutSkein } from './fanout-skein.js';
import { fanoutZeromq } from './fanout-zeromq.js';
import type { Job, Order, Report, Role, System } from './messages.js';
import { skein } from './skein.js';
import { streamGrpc } from './stream-grpc.js';
import { streamSkein } from './stream-skein.js';
import { streamZeromq } from './stream-zeromq.js';
import { uploadSkein } from './upload-skein.js';
import { zeromq } from './zeromq.js';

/** One process of a pair: does what its harness orders. */
let job: Job | undefined;

const tell = (report: Report): void => {
  process.send?.(report);
};

const systemOf = ({ bench, system }: Role): System => {
  if (bench === 'stream') {
    return { skein: streamSkein, grpc: streamGrpc, zeromq: streamZeromq, 'zeromq-acks': streamZeromq }[system];
  }
  if (bench === 'upload') return uploadSkein;
  if (system === 'skein') return bench === 'fanout' ? fanoutSkein : skein;
  return bench === 'fanout' ? fanoutZeromq : zeromq;
};

const obey = async (order: Order): Promise<void> => {
  switch (order.do) {
    case 'start': {
      const system = systemOf(order.role);
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
