import { connect as connectNats, JSONCodec } from 'nats';
import { measureCalls, promised } from './calls.js';
import type { Payload } from './messages.js';
import { type Job, type Role, type System } from './messages.js';

const codec = JSONCodec<Payload>();
const subject = 'bench.echo';

/** Request and reply over one nats-server. */
const serve = async ({ address }: Role): Promise<Job> => {
  const connection = await connectNats({ servers: address });
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error) throw error;
      message.respond(codec.encode(codec.decode(message.data)));
    },
  });
  await connection.flush();
  return { address, end: () => connection.close() };
};

const connect = async (role: Role): Promise<Job> => {
  const { address } = role;
  const connection = await connectNats({ servers: address });
  const call = async (payload: Payload): Promise<Payload> => {
    const { data } = await connection.request(subject, codec.encode(payload), { timeout: 60_000 });
    return codec.decode(data);
  };
  return { address, measure: measureCalls(role, promised(call)), end: () => connection.close() };
};

export const nats: System = { serve, connect };
