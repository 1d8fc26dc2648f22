import { connect as connectNats, JSONCodec, type NatsConnection } from 'nats';
import { check, fanOutFor, isWhole } from './fanout-pace.js';
import type { Figures, Job, Role, System } from './messages.js';

const codec = JSONCodec<readonly number[]>();
const [subject, asked] = ['bench.fanned', 'bench.counts'];

/** Messages that a publisher is ahead of its slowest subscriber at the most, and twice that between two looks. */
const aheadMax = 1_024;

/** A connection and a subscription for each server, in one process; what they got is asked for by a request. */
const serve = async (role: Role): Promise<Job> => {
  const counts = new Array<number>(role.servers).fill(0);
  const connections: NatsConnection[] = [];
  for (let i = 0; i < role.servers; i += 1) {
    const connection = await connectNats({ servers: role.address });
    connections.push(connection);
    connection.subscribe(subject, {
      callback: (error, { data }) => {
        if (error) throw error;
        if (isWhole(data, role)) counts[i] = (counts[i] ?? 0) + 1;
      },
    });
    await connection.flush();
  }
  connections[0]?.subscribe(asked, {
    callback: (_error, message) => {
      message.respond(codec.encode(counts));
    },
  });
  await connections[0]?.flush();
  return { address: role.address, end: () => Promise.all(connections.map((one) => one.close())).then(() => undefined) };
};

const connect = async (role: Role): Promise<Job> => {
  const connection = await connectNats({ servers: role.address });
  const payload = new Uint8Array(role.payloadBytes).fill(7);
  const ask = async (): Promise<readonly number[]> => codec.decode((await connection.request(asked)).data);
  const areBehind = async (by: number): Promise<boolean> => (await ask()).some((count) => count < sent - by);
  let sent = 0;
  /** Waits from time to time for who is behind, since nothing else does: its server lets go of who does not keep up. */
  const publish = async (): Promise<void> => {
    connection.publish(subject, payload);
    sent += 1;
    if (sent % aheadMax === 0) while (await areBehind(aheadMax));
  };
  const measure = async (_window: number, seconds: number): Promise<Figures> => {
    const startedAt = performance.now();
    const before = sent;
    const { figures } = await fanOutFor(seconds, { window: 1, servers: role.servers, send: publish });
    while (await areBehind(0));
    check(await ask(), sent);
    return { ...figures, opsPerSecond: ((sent - before) * role.servers) / ((performance.now() - startedAt) / 1_000) };
  };
  return { address: role.address, measure, end: () => connection.close() };
};

export const fanoutNats: System = { serve, connect };
