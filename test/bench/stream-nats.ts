import { connect as connectNats, type Subscription } from 'nats';
import type { Figures, Job, Role, System } from './messages.js';
import { streamFor } from './stream-pace.js';

const [subject, control] = ['bench.items', 'bench.control'];

/** Messages between two looks at whether the server has taken them, which is all that holds a publisher back. */
const flushEvery = 1_024;

/** A publisher for as long as someone has asked for items, and a core subscription; there is no credit. */
const serve = async (role: Role): Promise<Job> => {
  const connection = await connectNats({ servers: role.address });
  const payload = new Uint8Array(role.payloadBytes).fill(7);
  let isWanted = false;
  const publish = async (): Promise<void> => {
    while (isWanted) {
      for (let i = 0; i < flushEvery; i += 1) connection.publish(subject, payload);
      await connection.flush();
    }
  };
  connection.subscribe(control, {
    callback: (_error, message) => {
      const wasWanted = isWanted;
      isWanted = message.string() === 'start';
      message.respond();
      if (isWanted && !wasWanted) void publish();
    },
  });
  await connection.flush();
  const end = (): Promise<void> => {
    isWanted = false;
    return connection.close();
  };
  return { address: role.address, end };
};

const connect = async (role: Role): Promise<Job> => {
  const connection = await connectNats({ servers: role.address });
  const measure = async (_credit: number, seconds: number): Promise<Figures> => {
    const figures = await streamFor(seconds, role, (take, fail) => {
      const subscription: Subscription = connection.subscribe(subject, {
        callback: (error, { data }) => {
          if (error) fail(error);
          else take(data);
        },
      });
      connection.publish(control, 'start');
      return () => {
        subscription.unsubscribe();
      };
    });
    await connection.request(control, 'stop');
    return figures;
  };
  return { address: role.address, measure, end: () => connection.close() };
};

export const streamNats: System = { serve, connect };
