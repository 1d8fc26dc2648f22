import { pack, unpack } from 'msgpackr';
import { Dealer, Pull, Push, Router } from 'zeromq';
import { callFor } from './calls.js';
import type { callPayload } from './messages.js';
import { type Figures, type Job, type Role, type System } from './messages.js';

/** As one writes it by hand: DEALER and ROUTER, one MessagePack message a call; PUSH and PULL for casts. */
const serve = async (role: Role): Promise<Job> => {
  const endpoint = role.network === 'tcp' ? 'tcp://127.0.0.1:*' : `ipc://${role.folder}/raw.sock`;
  return role.bench === 'call' ? serveCalls(endpoint) : serveCasts(endpoint);
};

const serveCalls = async (endpoint: string): Promise<Job> => {
  const router = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  await router.bind(endpoint);
  void (async () => {
    for await (const [peer, message] of router) {
      const [id, payload] = unpack(message as Buffer) as [number, unknown];
      await router.send([peer as Buffer, pack([id, payload])]);
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

const connect = (role: Role): Job => (role.bench === 'call' ? connectCalls(role) : connectCasts(role));

const connectCalls = ({ address }: Role): Job => {
  const dealer = new Dealer({ sendHighWaterMark: 0, receiveHighWaterMark: 0 });
  dealer.connect(address);
  const pending = new Map<number, (reply: typeof callPayload) => void>();
  const outbox: Buffer[] = [];
  let isSending = false;
  let ids = 0;
  void (async () => {
    for await (const [message] of dealer) {
      const [id, reply] = unpack(message as Buffer) as [number, typeof callPayload];
      const resolve = pending.get(id);
      pending.delete(id);
      resolve?.(reply);
    }
  })();
  // One send at a time, as the socket demands.
  const flush = async (): Promise<void> => {
    isSending = true;
    for (let message = outbox.shift(); message; message = outbox.shift()) await dealer.send(message);
    isSending = false;
  };
  const call = (payload: typeof callPayload): Promise<typeof callPayload> =>
    new Promise((resolve) => {
      ids += 1;
      pending.set(ids, resolve);
      outbox.push(pack([ids, payload]));
      if (!isSending) void flush();
    });
  return { address, measure: (window, seconds) => callFor(window, seconds, call), end: close(dealer) };
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
