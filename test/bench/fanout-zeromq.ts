import { pack, unpack } from 'msgpackr';
import { Dealer, Publisher, Pull, Push, Router, Subscriber } from 'zeromq';
import { check, fanOutFor, isWhole } from './fanout-pace.js';
import type { Figures, Job, Role, System } from './messages.js';

/** Messages that a publisher without acks is ahead of its slowest subscriber at the most, and twice that between two looks. */
const aheadMax = 1_024;

/** As one writes it by hand: SUB sockets; with acks, each has a PUSH by which it acks each message. What they got is asked for by a DEALER. */
const serve = async (role: Role): Promise<Job> => {
  const [publisher = '', acks = ''] = role.address.split(' ');
  const counts = new Array<number>(role.servers).fill(0);
  const sockets: { close(): void }[] = [];
  const seen = new Set<number>();
  for (let i = 0; i < role.servers; i += 1) {
    const subscriber = new Subscriber({ receiveHighWaterMark: 0 });
    subscriber.connect(publisher);
    subscriber.subscribe();
    sockets.push(subscriber);
    const push = role.system === 'zeromq-acks' ? new Push({ sendHighWaterMark: 0 }) : undefined;
    push?.connect(acks);
    if (push) sockets.push(push);
    void (async () => {
      for await (const [message] of subscriber) {
        const [id, payload] = unpack(message as Buffer) as [number, Uint8Array];
        // The first ones only find out whether everyone has subscribed.
        if (id > 0 && isWhole(payload, role)) counts[i] = (counts[i] ?? 0) + 1;
        if (id === 0) seen.add(i);
        if (id > 0 && push) await push.send(pack(id));
      }
    })();
  }
  const asked = new Router();
  await asked.bind('tcp://127.0.0.1:*');
  sockets.push(asked);
  void (async () => {
    for await (const [peer] of asked) await asked.send([peer as Buffer, pack([seen.size, counts])]);
  })();
  const end = (): void => {
    for (const socket of sockets) socket.close();
  };
  return { address: asked.lastEndpoint as string, end };
};

/** Where subscribers connect to is known before they are there; where they tell what they got, only then. */
const connect = async (role: Role): Promise<Job> => {
  const [at, acksAt] =
    role.network === 'tcp'
      ? (['tcp://127.0.0.1:*', 'tcp://127.0.0.1:*'] as const)
      : ([`ipc://${role.folder}/pub.sock`, `ipc://${role.folder}/acks.sock`] as const);
  const publisher = new Publisher({ sendHighWaterMark: 0, noDrop: true });
  await publisher.bind(at);
  const acks = new Pull({ receiveHighWaterMark: 0 });
  await acks.bind(acksAt);
  const pending = new Map<number, { left: number; readonly resolve: () => void }>();
  void (async () => {
    for await (const [message] of acks) {
      const id = unpack(message as Buffer) as number;
      const one = pending.get(id);
      if (!one) continue;
      one.left -= 1;
      if (one.left > 0) continue;
      pending.delete(id);
      one.resolve();
    }
  })();
  const payload = Buffer.alloc(role.payloadBytes, 7);
  let ids = 0;
  let sending = Promise.resolve();
  /** One send at a time, as the socket demands. */
  const publish = (id: number): Promise<void> => (sending = sending.then(() => publisher.send(pack([id, payload]))));
  const publishAcked = (): Promise<void> => {
    ids += 1;
    const id = ids;
    const acked = new Promise<void>((resolve) => pending.set(id, { left: role.servers, resolve }));
    return publish(id).then(() => acked);
  };
  let asking: Dealer | undefined;
  const ask = async (): Promise<readonly [seen: number, counts: readonly number[]]> => {
    await asking?.send('');
    const [answer] = (await asking?.receive()) ?? [];
    return unpack(answer as Buffer) as [number, number[]];
  };
  /** Waits from time to time for who is behind, since without acks nothing else does; else memory would be what is measured. */
  const publishOnly = async (): Promise<void> => {
    ids += 1;
    const id = ids;
    await publish(id);
    if (id % aheadMax !== 0) return;
    for (let [, counts] = await ask(); counts.some((count) => count < id - aheadMax);) [, counts] = await ask();
  };
  const meet = async (address: string): Promise<void> => {
    asking = new Dealer();
    asking.connect(address);
    for (let [seen] = await ask(); seen < role.servers; [seen] = await ask()) await publish(0);
  };
  const measure = async (window: number, seconds: number): Promise<Figures> => {
    const startedAt = performance.now();
    const before = ids;
    const send = role.system === 'zeromq-acks' ? publishAcked : publishOnly;
    // Lanes without acks would all be waiting for one another's questions: one says all that there is to say.
    const lanes = role.system === 'zeromq-acks' ? window : 1;
    const { figures } = await fanOutFor(seconds, { window: lanes, servers: role.servers, send });
    // What was only sent counts once it has arrived.
    let [, counts] = await ask();
    while (counts.some((count) => count < ids)) [, counts] = await ask();
    check(counts, ids);
    if (role.system === 'zeromq-acks') return figures;
    const opsPerSecond = ((ids - before) * role.servers) / ((performance.now() - startedAt) / 1_000);
    return { ...figures, opsPerSecond };
  };
  const end = (): void => {
    for (const socket of [publisher, acks, asking]) socket?.close();
  };
  return { address: `${publisher.lastEndpoint as string} ${acks.lastEndpoint as string}`, meet, measure, end };
};

export const fanoutZeromq: System = { serve, connect };
