import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNode, type Node } from '../../lib/index.js';
import { freePort } from '../bench/free-port.js';
import { describeWith } from '../needs.js';
import { type Cluster, realCluster } from './cluster.js';
import { semanticsSuite } from './suite.js';

/** Nodes that find each other by a ring file, to which each server is added before it serves, and talk through tcp. */
const tcpCluster = async (): Promise<Cluster> => {
  const directory = await mkdtemp(join(tmpdir(), 'skein-semantics-'));
  const file = join(directory, 'ring.json');
  const addresses = new Map<Node, string>();
  const entries = new Map<string, object>();
  const write = async (): Promise<void> => {
    await writeFile(`${file}.new`, JSON.stringify({ servers: [...entries.values()] }));
    await rename(`${file}.new`, file);
  };
  await write();
  return realCluster(
    async (name, options) => {
      const bind = `tcp://127.0.0.1:${String(await freePort())}`;
      const node = await createNode({ ...options, url: `zmq+static://${file}?network=zmq`, name, bind });
      addresses.set(node, bind);
      return node;
    },
    {
      beforeServing: async (node, { name: topic, version, namespace }, { exchange = 'default', server = node.name }) => {
        const entry = { exchange, topic, server, version, namespace, address: addresses.get(node) };
        entries.set(JSON.stringify([exchange, topic, server]), entry);
        await write();
      },
      release: () => rm(directory, { recursive: true, force: true }),
    },
  );
};

describeWith('zeromq', "ZeroMQ's library", () => {
  semanticsSuite('ZeroMQ on tcp and a ring file', tcpCluster, {
    virtualTime: false,
    shortMs: 500,
    registers: false,
    copies: true,
    faults: false,
  });
});
