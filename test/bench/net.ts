import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { measureCalls, promised } from './calls.js';
import type { Payload } from './messages.js';
import { type Job, type Role, type System } from './messages.js';

/** What Node itself can do: JSON in lines, each written as it comes. */
const onLines = (socket: Socket, take: (line: string) => void): void => {
  let rest = '';
  socket.setNoDelay(true).setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(take);
  });
};

const serve = async ({ network, folder }: Role): Promise<Job> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    onLines(socket, (line) => socket.write(`${JSON.stringify(JSON.parse(line))}\n`));
  });
  if (network === 'tcp') server.listen(0, '127.0.0.1');
  else server.listen(`${folder}/net.sock`);
  await once(server, 'listening');
  const at = server.address() as AddressInfo | string;
  const end = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { address: typeof at === 'string' ? at : String(at.port), end };
};

const connect = async (role: Role): Promise<Job> => {
  const { network, address } = role;
  const socket = network === 'tcp' ? connectSocket(Number(address), '127.0.0.1') : connectSocket(address);
  await once(socket, 'connect');
  const pending = new Map<number, (reply: Payload) => void>();
  onLines(socket, (line) => {
    const { id, payload } = JSON.parse(line) as { readonly id: number; readonly payload: Payload };
    const resolve = pending.get(id);
    pending.delete(id);
    resolve?.(payload);
  });
  let ids = 0;
  const call = (payload: Payload): Promise<Payload> =>
    new Promise((resolve) => {
      ids += 1;
      pending.set(ids, resolve);
      socket.write(`${JSON.stringify({ id: ids, payload })}\n`);
    });
  return {
    address,
    measure: measureCalls(role, promised(call)),
    end: () => {
      socket.destroy();
    },
  };
};

export const net: System = { serve, connect };
