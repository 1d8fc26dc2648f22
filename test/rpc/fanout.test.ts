import { expect, it } from 'vitest';
import { bytes, cast, contract, createNode, type Interceptor, type Node } from '../../lib/index.js';

const Notes = contract('notes', '1', {
  list: cast<{ list: number[] }>({ confirm: 'done' }),
  data: cast({ input: bytes(), confirm: 'done' }),
});

const servers = ['a', 'b', 'c'];

/** Three servers that note what they see, and then change it; all in this process, by the network in its memory. */
const fanOut = async (name: string, client: readonly Interceptor[], settings = '') => {
  const url = `zmq+memory://${name}${settings}`;
  const nodes: Node[] = [];
  const seen: unknown[] = [];
  const received: unknown[] = [];
  for (const server of servers) {
    const node = await createNode(url, { name: server });
    nodes.push(node);
    await node.serve(Notes, {
      list: ({ list }) => void seen.push([...list]),
      data: (data) => {
        received.push(data);
        seen.push(data[0]);
        data.fill(99);
      },
    });
  }
  const node = await createNode(url, { name: 'sender', interceptors: { client } });
  nodes.push(node);
  return { seen, received, fanout: node.client(Notes).$fanout, close: () => Promise.all(nodes.map((one) => one.close())) };
};

it('hands each server what was sent, and not what the others made of it', async () => {
  const { seen, fanout, close } = await fanOut('fanned-bytes', []);
  const sent = new Uint8Array(20_000).fill(7);
  expect(await fanout.data(sent)).toHaveLength(servers.length);
  expect(seen).toEqual([7, 7, 7]);
  expect(sent.every((byte) => byte === 7)).toBe(true);
  await close();
});

it('passes each cast through interceptors by itself, whatever they did to another one', async () => {
  const add: Interceptor = (request, next) => {
    (request.input as { list: number[] }).list.push(1);
    return next(request);
  };
  const { seen, fanout, close } = await fanOut('fanned-lists', [add]);
  const sent = { list: [0] };
  await fanout.list(sent);
  expect(seen).toEqual([
    [0, 1],
    [0, 1],
    [0, 1],
  ]);
  expect(sent).toEqual({ list: [0] });
  await close();
});

it('passes large bytes through interceptors by themselves, too', async () => {
  const add: Interceptor = (request, next) => {
    const data = request.input as Uint8Array;
    data[0] = (data[0] ?? 0) + 1;
    return next(request);
  };
  const { seen, fanout, close } = await fanOut('fanned-bytes-through', [add]);
  const sent = new Uint8Array(20_000).fill(7);
  await fanout.data(sent);
  expect(seen).toEqual([8, 8, 8]);
  expect(sent[0]).toBe(7);
  await close();
});

it('hands on the very bytes where nodes share their objects, through interceptors, too', async () => {
  const passed: unknown[] = [];
  const pass: Interceptor = (request, next) => {
    passed.push(request.input);
    return next(request);
  };
  const { received, fanout, close } = await fanOut('fanned-shared', [pass], '?inProcess=share');
  const sent = Buffer.alloc(20_000, 7);
  await fanout.data(sent);
  const all = [...passed, ...received];
  expect(all).toHaveLength(2 * servers.length);
  expect(all.every((data) => data === sent)).toBe(true);
  await close();
});
