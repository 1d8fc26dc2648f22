import { connect as connectAmqp } from 'amqplib';
import { measureCalls, promised } from './calls.js';
import type { Payload } from './messages.js';
import { type Job, type Role, type System } from './messages.js';

const queue = 'bench';
const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** Direct reply-to, over one broker; nothing is kept on disk, and nothing is acknowledged. */
const serve = async ({ address }: Role): Promise<Job> => {
  const connection = await connectAmqp(address);
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: false });
  await channel.consume(
    queue,
    (message) => {
      if (!message) return;
      const { replyTo, correlationId } = message.properties as { readonly replyTo: string; readonly correlationId: string };
      channel.sendToQueue(replyTo, encode(JSON.parse(message.content.toString())), { correlationId });
    },
    { noAck: true },
  );
  return { address, end: () => connection.close() };
};

const connect = async (role: Role): Promise<Job> => {
  const { address } = role;
  const connection = await connectAmqp(address);
  const channel = await connection.createChannel();
  const replyTo = 'amq.rabbitmq.reply-to';
  const pending = new Map<string, (reply: Payload) => void>();
  await channel.consume(
    replyTo,
    (message) => {
      if (!message) return;
      const { correlationId } = message.properties as { readonly correlationId: string };
      const resolve = pending.get(correlationId);
      pending.delete(correlationId);
      resolve?.(JSON.parse(message.content.toString()) as Payload);
    },
    { noAck: true },
  );
  let ids = 0;
  const call = (payload: Payload): Promise<Payload> =>
    new Promise((resolve) => {
      ids += 1;
      pending.set(String(ids), resolve);
      channel.sendToQueue(queue, encode(payload), { replyTo, correlationId: String(ids) });
    });
  return { address, measure: measureCalls(role, promised(call)), end: () => connection.close() };
};

export const rabbitmq: System = { serve, connect };
