import { connect as connectNats, JSONCodec } from 'nats';
import { callFor } from './calls.js';
import type { callPayload } from './messages.js';
import { type Job, type Role, type System } from './messages.js';

const codec = JSONCodec<typeof callPayload>();
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

const connect = async ({ address }: Role): Promise<Job> => {
  const connection = await connectNats({ servers: address });
  const call = async (payload: typeof callPayload): Promise<typeof callPayload> => {
    const { data } = await connection.request(subject, codec.encode(payload), { timeout: 60_000 });
    return codec.decode(data);
  };
  return { address, measure: (window, seconds) => callFor(window, seconds, call), end: () => connection.close() };
};

export const nats: System = { serve, connect };
