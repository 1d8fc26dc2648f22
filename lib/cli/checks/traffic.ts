import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createNode } from '../../node/create-node.js';
import { localDirectory } from '../../node/places.js';
import { type Finding, messageOf } from '../finding.js';

/** Has no methods of its own: every server answers a ping. */
const doctor = { name: 'skein.doctor', version: '1.0', namespace: '', methods: {} } as const;

const patienceMs = 5_000;

/** Whether two nodes reach each other by tcp and by ipc, introduced by a directory of their own. */
export const checkNetworks = async (): Promise<Finding[]> => {
  const place = await mkdtemp(join(tmpdir(), 'skein-doctor-'));
  const url = pathToFileURL(place).href.replace('file:', 'zmq+local:');
  try {
    return [
      await checkPing('tcp', url, 'tcp://127.0.0.1:*', 'A firewall or sandbox may forbid connections to 127.0.0.1: allow them.'),
      await checkPing(
        'ipc',
        url,
        'ipc://*',
        'If the ipc directory is well, a sandbox forbids Unix domain sockets: allow them, or bind to tcp://127.0.0.1:*.',
      ),
    ];
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

/** Whether a node finds a server in the directory that `zmq+local://` means. */
export const checkLocalDirectory = (): Promise<Finding> =>
  checkPing(
    'local directory',
    'zmq+local://',
    'tcp://127.0.0.1:*',
    `Make ${localDirectory()} a directory of this user on a local disk; where it is damaged, end the nodes that use it and remove it.`,
  );

const checkPing = async (check: string, url: string, bind: string, advice: string): Promise<Finding> => {
  const warnings: string[] = [];
  try {
    const address = await ping(url, bind, warnings);
    return { check, status: 'ok', found: `one node called another at ${address}` };
  } catch (error) {
    const found = [...new Set([messageOf(error), ...warnings])].join('; ');
    return { check, status: 'fail', found, advice };
  }
};

/** Gives the address at which the one node reached the other. */
const ping = async (url: string, bind: string, warnings: string[]): Promise<string> => {
  const warn = (message: string, fields?: { readonly error?: unknown }): void => {
    warnings.push(fields?.error === undefined ? message : messageOf(fields.error));
  };
  const ignore = (): void => undefined;
  const options = { bind, noServerMs: patienceMs, logger: { debug: ignore, info: ignore, warn, error: warn } };
  await using server = await createNode(url, options);
  await using client = await createNode(url, options);
  let address = '';
  client.peers$.subscribe({
    next: (peers) => (address = peers.find(({ server: name }) => name === server.id)?.address ?? address),
    error: warn,
  });
  // A directory that fails is tried again for ever, so serving may take as long; the ping's deadline ends both.
  await Promise.all([
    server.serve(doctor, {}, { server: server.id }),
    client.client(doctor).$on(server.id).$ping({ timeoutMs: patienceMs }),
  ]);
  return address;
};
