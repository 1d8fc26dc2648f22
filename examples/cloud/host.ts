import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, totalmem } from 'node:os';
import type { Report } from './contracts.js';
import type { Host } from './instance.js';
import type { Instances } from './instances.js';

/** The state of this compute and its host, now. */
export const readHost = async ({ compute, results }: Host, instances: Instances, capacity: number): Promise<Report> => {
  const disk = await statfs(results);
  const [load = 0] = loadavg();
  return {
    compute,
    pid: process.pid,
    capacity,
    running: [...instances.running],
    waiting: instances.waiting,
    cpus: availableParallelism(),
    load,
    freeMemory: freemem(),
    totalMemory: totalmem(),
    freeDisk: disk.bavail * disk.bsize,
    totalDisk: disk.blocks * disk.bsize,
  };
};
