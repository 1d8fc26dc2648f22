import { Dealer, Pull, Push, Router } from 'zeromq';
import type { Figures, Job, Role, System } from './messages.js';
import { streamFor } from './stream-pace.js';

/** As one writes it by hand: PUSH and PULL, one item a message, with high-water marks of the credit in the place of demand; a PUSH for each stream. */
const serve = async ({ network, folder, payloadBytes }: Role): Promise<Job> => {
  const payload = Buffer.alloc(payloadBytes, 7);
  const opened = new Router();
  await opened.bind('tcp://127.0.0.1:*');
  let push: Push | undefined;
  let streams = 0;
  const send = async (socket: Push): Promise<void> => {
    while (push === socket) await socket.send(payload);
  };
  void (async () => {
    for await (const [peer, credit] of opened) {
      push?.close();
      streams += 1;
      push = new Push({ sendHighWaterMark: Number(String(credit)), linger: 0 });
      await push.bind(network === 'tcp' ? 'tcp://127.0.0.1:*' : `ipc://${folder}/stream-${String(streams)}.sock`);
      await opened.send([peer as Buffer, push.lastEndpoint]);
      // It ends as its socket is closed, in the midst of a send.
      void send(push).catch(() => undefined);
    }
  })();
  const end = (): void => {
    push?.close();
    push = undefined;
    opened.close();
  };
  return { address: opened.lastEndpoint as string, end };
};

const connect = (role: Role): Job => {
  const opening = new Dealer();
  opening.connect(role.address);
  const measure = async (credit: number, seconds: number): Promise<Figures> => {
    await opening.send(String(credit));
    const [endpoint] = await opening.receive();
    const pull = new Pull({ receiveHighWaterMark: credit });
    pull.connect(String(endpoint));
    return streamFor(seconds, role, (take, fail) => {
      (async () => {
        for await (const [item] of pull) take(item as Buffer);
      })().catch(fail);
      return () => {
        pull.close();
      };
    });
  };
  return { address: role.address, measure, end: () => opening.close() };
};

export const streamZeromq: System = { serve, connect };
