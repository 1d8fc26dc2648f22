import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { heapBytes } from './gauges.js';
import type { Job, Order, Report, Role, System } from './messages.js';

/** Made as it is first asked for, so that it costs nothing elsewhere. */
let loop: IntervalHistogram | undefined;

/** What is in use once all that is garbage is gone, and how late the event loop was since this was asked before. */
const health = (): Report => {
  const loopP99Ms = (loop?.percentile(99) ?? 0) / 1e6 - resolutionMs;
  if (loop) loop.reset();
  else {
    loop = monitorEventLoopDelay({ resolution: resolutionMs });
    loop.enable();
  }
  return { is: 'health', heapBytes: heapBytes(), rssBytes: process.memoryUsage().rss, loopP99Ms };
};

const resolutionMs = 10;

/** One process of a pair: does what its harness orders. */
let job: Job | undefined;

const tell = (report: Report): void => {
  process.send?.(report);
};

/** What is measured is loaded, and nothing else. */
const systemOf = async ({ bench, system }: Role): Promise<System> => {
  switch (system) {
    case 'skein':
      if (bench === 'fanout') return (await import('./fanout-skein.js')).fanoutSkein;
      if (bench === 'stream') return (await import('./stream-skein.js')).streamSkein;
      if (bench === 'upload') return (await import('./upload-skein.js')).uploadSkein;
      return (await import('./skein.js')).skein;
    case 'zeromq':
    case 'zeromq-acks':
      if (bench === 'fanout') return (await import('./fanout-zeromq.js')).fanoutZeromq;
      if (bench === 'stream') return (await import('./stream-zeromq.js')).streamZeromq;
      return (await import('./zeromq.js')).zeromq;
    case 'grpc':
      return bench === 'stream' ? (await import('./stream-grpc.js')).streamGrpc : (await import('./grpc.js')).grpc;
    case 'moleculer':
      return (await import('./moleculer.js')).moleculer;
    case 'nats':
      if (bench === 'fanout') return (await import('./fanout-nats.js')).fanoutNats;
      if (bench === 'stream') return (await import('./stream-nats.js')).streamNats;
      return (await import('./nats.js')).nats;
    case 'rabbitmq':
      return (await import('./rabbitmq.js')).rabbitmq;
    case 'net':
      return (await import('./net.js')).net;
    case 'libzmq':
      return (await import('./libzmq.js')).libzmq;
  }
};

const obey = async (order: Order): Promise<void> => {
  switch (order.do) {
    case 'start': {
      const system = await systemOf(order.role);
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
    case 'usage': {
      const { user, system } = process.cpuUsage();
      tell({ is: 'usage', rssBytes: process.memoryUsage().rss, cpuUs: user + system });
      break;
    }
    case 'health':
      tell(health());
      break;
    case 'end':
      process.disconnect();
      break;
  }
};

/** Its harness has had enough of it, or is gone. */
process.once('disconnect', () => {
  const exit = (): void => process.exit();
  Promise.resolve(job?.end()).then(exit, exit);
});

process.on('message', (order: Order) => {
  obey(order).catch((error: unknown) => {
    tell({ is: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
