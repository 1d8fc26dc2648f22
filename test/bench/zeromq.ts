import { pack, unpack } from 'msgpackr';
import { Dealer, Pull, Push, Router } from 'zeromq';
import { measureCalls, promised } from './calls.js';

import type { Figures, Job, Payload, Role, System } from './messages.js';

/** As one writes it by hand: DEALER and ROUTER, one MessagePack message a call; PUSH and PULL for casts. */
const serve = async (role: Role): Promise<Job> => {
  const endpoint = role.network === 'tcp' ? 'tcp://127.0.0.1:*' : `ipc://${role.folder}/raw.sock`;
  return role.bench === 'cast' ? serveCasts(endpoint) : serveCalls(endpoint);
};

const serveCalls = async (endpoint: string): Promise<Job> => {
  const router = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  await router.bind(endpoint);
  void (async () => {
    for await (const [peer, message, bytes] of router) {
      const reply = message as Buffer;
      // Bytes go as a frame of their own.
      await router.send(bytes ? [peer as Buffer, reply, bytes] : [peer as Buffer, pack(unpack(reply))]);
    }
  })();
  return { address: router.lastEndpoint as string, end: close(router) };
};

/** What was cast is counted where it arrives; the client asks for the count over a socket of its own. */
const serveCasts = async (endpoint: string): Promise<Job> => {
  const pull = new Pull();
  await pull.bind(endpoint);
  const counts = new Router();
  await counts.bind('tcp://127.0.0.1:*');
  let count = 0;
  void (async () => {
    for await (const [message] of pull) if ((message as Buffer).byteLength === role64) count += 1;
  })();
  void (async () => {
    for await (const [peer] of counts) await counts.send([peer as Buffer, pack(count)]);
  })();
  const end = (): void => {
    pull.close();
    counts.close();
  };
  return { address: `${pull.lastEndpoint as string} ${counts.lastEndpoint as string}`, end };
};

const role64 = 64;

const close = (socket: { close(): void }) => (): void => {
  socket.close();
};

const connect = (role: Role): Job => (role.bench === 'cast' ? connectCasts(role) : connectCalls(role));

const connectCalls = (role: Role): Job => {
  const { address } = role;
  const dealer = new Dealer({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  dealer.connect(address);
  const pending = new Map<number, (reply: Payload) => void>();
  const outbox: Uint8Array[][] = [];
  let isSending = false;
  let ids = 0;
  void (async () => {
    for await (const [message, bytes] of dealer) {
      const [id, reply] = unpack(message as Buffer) as [number, Payload];
      const resolve = pending.get(id);
      pending.delete(id);
      resolve?.(bytes ?? reply);
    }
  })();
  // One send at a time, as the socket demands.
  const flush = async (): Promise<void> => {
    isSending = true;
    for (let message = outbox.shift(); message; message = outbox.shift()) await dealer.send(message);
    isSending = false;
  };
  const call = (payload: Payload): Promise<Payload> =>
    new Promise((resolve) => {
      ids += 1;
      pending.set(ids, resolve);
      outbox.push(payload instanceof Uint8Array ? [pack([ids]), payload] : [pack([ids, payload])]);
      if (!isSending) void flush();
    });
  return { address, measure: measureCalls(role, promised(call)), end: close(dealer) };
};

const connectCasts = ({ address, payloadBytes }: Role): Job => {
  const [endpoint = '', countEndpoint = ''] = address.split(' ');
  const push = new Push();
  push.connect(endpoint);
  const counts = new Dealer();
  counts.connect(countEndpoint);
  const arrived = async (): Promise<number> => {
    await counts.send('');
    const [count] = await counts.receive();
    return unpack(count as Buffer) as number;
  };
  const measure = async (_window: number, seconds: number): Promise<Figures> => {
    const payload = Buffer.alloc(payloadBytes, 7);
    const before = await arrived();
    const startedAt = performance.now();
    let sent = 0;
    while (performance.now() - startedAt < seconds * 1_000) {
      for (let i = 0; i < 64; i += 1) await push.send(payload);
      sent += 64;
    }
    while ((await arrived()) - before < sent);
    return { opsPerSecond: sent / ((performance.now() - startedAt) / 1_000), p50Us: 0, p99Us: 0 };
  };
  const end = (): void => {
    push.close();
    counts.close();
  };
  return { address, measure, end };
};

export const zeromq: System = { serve, connect };
