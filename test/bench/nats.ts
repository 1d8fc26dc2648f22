import { connect as connectNats, JSONCodec, type NatsConnection } from 'nats';
import { measureCalls, promised } from './calls.js';
import { isWhole } from './fanout-pace.js';
import type { Figures, Job, Payload, Role, System } from './messages.js';

const codec = JSONCodec<Payload>();
const counts = JSONCodec<number>();
const [subject, asked] = ['bench.echo', 'bench.count'];

/** Messages between two looks at whether the server has taken them. */
const flushEvery = 1_024;

/** Request and reply over one nats-server; what is cast is counted where it arrives. */
const serve = async (role: Role): Promise<Job> => {
  const connection = await connectNats({ servers: role.address });
  if (role.bench === 'cast') countCasts(connection, role);
  else {
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) throw error;
        message.respond(codec.encode(codec.decode(message.data)));
      },
    });
  }
  await connection.flush();
  return { address: role.address, end: () => connection.close() };
};

const countCasts = (connection: NatsConnection, role: Role): void => {
  let count = 0;
  connection.subscribe(subject, {
    callback: (error, { data }) => {
      if (error) throw error;
      if (isWhole(data, role)) count += 1;
    },
  });
  connection.subscribe(asked, {
    callback: (_error, message) => {
      message.respond(counts.encode(count));
    },
  });
};

const connect = async (role: Role): Promise<Job> => {
  const { address } = role;
  const connection = await connectNats({ servers: address });
  const call = async (payload: Payload): Promise<Payload> => {
    const { data } = await connection.request(subject, codec.encode(payload), { timeout: 60_000 });
    return codec.decode(data);
  };
  const arrived = async (): Promise<number> => counts.decode((await connection.request(asked)).data);
  const casts = async (_window: number, seconds: number): Promise<Figures> => {
    const payload = new Uint8Array(role.payloadBytes).fill(7);
    const before = await arrived();
    const startedAt = performance.now();
    let sent = 0;
    while (performance.now() - startedAt < seconds * 1_000) {
      for (let i = 0; i < flushEvery; i += 1) connection.publish(subject, payload);
      sent += flushEvery;
      await connection.flush();
    }
    while ((await arrived()) - before < sent);
    return { opsPerSecond: sent / ((performance.now() - startedAt) / 1_000), p50Us: 0, p99Us: 0 };
  };
  const measure = role.bench === 'cast' ? casts : measureCalls(role, promised(call));
  return { address, measure, end: () => connection.close() };
};

export const nats: System = { serve, connect };
