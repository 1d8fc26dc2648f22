import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode } from '../../lib/index.js';
import { type Cluster, realCluster } from './cluster.js';

/** Nodes that find each other by a local directory of their own, and talk as the query says. */
export const localCluster = (query: string) => async (): Promise<Cluster> => {
  const directory = await mkdtemp(join(tmpdir(), 'skein-semantics-'));
  return realCluster((name, options) => createNode({ ...options, url: `zmq+local://${directory}${query}`, name }), {
    release: () => rm(directory, { recursive: true, force: true }),
  });
};
