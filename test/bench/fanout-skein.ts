import { bytes, call, cast, contract, createNode, type Node } from 'skein';
import { check, fanOutFor, isWhole } from './fanout-pace.js';
import { type Figures, type Job, nodeUrl, type Role, type System } from './messages.js';

const Fanned = contract('fanned', '1.0', { take: cast({ input: bytes() }), taken: call<undefined, number>() });

/** A node for each server, in one process. */
const serve = async (role: Role): Promise<Job> => {
  const nodes: Node[] = [];
  for (let i = 0; i < role.servers; i += 1) {
    const node = await createNode(nodeUrl(role), { name: `server-${String(i)}` });
    nodes.push(node);
    let taken = 0;
    await node.serve(Fanned, {
      take: (payload) => {
        if (isWhole(payload, role)) taken += 1;
      },
      taken: () => taken,
    });
  }
  return { address: '', end: () => Promise.all(nodes.map((node) => node.close())).then(() => undefined) };
};

const connect = async (role: Role): Promise<Job> => {
  const node = await createNode(nodeUrl(role), { name: 'client' });
  const client = node.client(Fanned);
  const payload = new Uint8Array(role.payloadBytes).fill(7);
  const servers = Array.from({ length: role.servers }, (_, i) => client.$on(`server-${String(i)}`));
  // All links are open then.
  await Promise.all(servers.map((server) => server.$ping()));
  let total = 0;
  const measure = async (window: number, seconds: number): Promise<Figures> => {
    const send = async (): Promise<void> => {
      const outcomes = await client.$fanout.take(payload);
      if (outcomes.length !== role.servers || !outcomes.every(({ ok }) => ok)) {
        throw new Error('a fanout was not accepted by all');
      }
    };
    const { sent, figures } = await fanOutFor(seconds, { window, servers: role.servers, send });
    total += sent;
    check(await Promise.all(servers.map((server) => server.taken())), total);
    return figures;
  };
  return { address: '', measure, end: () => node.close() };
};

export const fanoutSkein: System = { serve, connect };
