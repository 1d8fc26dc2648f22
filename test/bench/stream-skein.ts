import { bytes, contract, createNode, stream } from 'skein';
import { type Figures, type Job, nodeUrl, type Role, type System } from './messages.js';
import { streamFor } from './stream-pace.js';

const Streamed = contract('streamed', '1.0', { items: stream({ output: bytes() }) });

const serve = async (role: Role): Promise<Job> => {
  const node = await createNode(nodeUrl(role), { name: 'server' });
  const payload = new Uint8Array(role.payloadBytes).fill(7);
  await node.serve(Streamed, {
    *items() {
      for (;;) yield payload;
    },
  });
  return { address: '', end: () => node.close() };
};

const connect = async (role: Role): Promise<Job> => {
  const node = await createNode(nodeUrl(role), { name: 'client' });
  const client = node.client(Streamed);
  await client.$ping();
  const measure = (credit: number, seconds: number): Promise<Figures> =>
    streamFor(seconds, role, (next, error) => {
      const subscription = client.items(undefined, { credit }).subscribe({ next, error });
      return () => {
        subscription.unsubscribe();
      };
    });
  return { address: '', measure, end: () => node.close() };
};

export const streamSkein: System = { serve, connect };
