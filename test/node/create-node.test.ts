import { AsyncResource } from 'node:async_hooks';
import { once } from 'node:events';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NEVER } from 'rxjs';
import { call, Codec, contract, createNode, Hub, Logger, Meter, Network, type Node, override, type Registration } from 'skein';
import { expect, it, onTestFinished, vi } from 'vitest';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { CountingMeter } from '../../lib/adapters/system/counting-meter.js';
import { runTs, temporary } from '../run.js';

const Echo = contract('echo', '1.0', { say: call<string, string>(), wait: call() });

const handlers = { say: (text: string) => text, wait: () => NEVER };

/** Ends only with its node. */
const waitOn = (node: Node): { readonly ended: Promise<unknown>; readonly started: Promise<void> } => {
  let start: () => void;
  const started = new Promise<void>((resolve) => (start = resolve));
  const served = node.serve(Echo, {
    ...handlers,
    wait: () => {
      start();
      return NEVER;
    },
  });
  const ended = served.then(() => node.client(Echo).wait()).then(undefined, (error: unknown) => error);
  return { ended, started };
};

it('ends what is under way with closed, of unknown outcome', async () => {
  const node = await createNode({ url: 'zmq+memory://', hub: new Hub() });
  const { ended, started } = waitOn(node);
  await started;
  await node.close();
  expect(await ended).toMatchObject({ code: 'closed', ran: 'unknown' });
});

it('refuses what comes after it was closed', async () => {
  const node = await createNode({ url: 'zmq+memory://', hub: new Hub() });
  const echo = node.client(Echo);
  await node.serve(Echo, handlers);
  await node.close();
  await expect(echo.say('a')).rejects.toMatchObject({ code: 'closed', ran: 'no' });
  await expect(node.client(Echo).say('a')).rejects.toMatchObject({ code: 'closed', ran: 'no' });
  await expect(node.serve(Echo, handlers)).rejects.toMatchObject({ code: 'closed' });
});

it('tells of all servers with their nodes, while it runs', async () => {
  const hub = new Hub();
  await using api = await createNode({ url: 'zmq+memory://', hub, name: 'api' });
  const looker = await createNode({ url: 'zmq+memory://', hub });
  const told: string[][] = [];
  let isOver = false;
  const tell = (servers: readonly Registration[]) =>
    told.push(servers.map(({ exchange, topic, server, node }) => [exchange, topic, server, node].join()));
  looker.servers$.subscribe({ next: tell, complete: () => (isOver = true) });
  await api.serve(Echo, handlers, { server: 'echo-1', exchange: 'x' });
  const second = await api.serve(Echo, handlers);
  await second.close();
  expect(told).toEqual([[], ['x,echo,echo-1,api'], ['x,echo,echo-1,api', 'default,echo,api,api'], ['x,echo,echo-1,api']]);
  await looker.close();
  expect(isOver).toBe(true);
});

it('closes once, however often and from wherever it is told to', async () => {
  let closed = 0;
  const meter = override(Meter, [], () => Object.assign(new CountingMeter(), { close: () => (closed += 1) }));
  const node = await createNode({ url: 'zmq+memory://', hub: new Hub(), overrides: [meter] });
  await Promise.all([node.close(), node.close(), node[Symbol.asyncDispose]()]);
  await node.close();
  expect(closed).toBe(1);
});

it('is closed at the end of its scope, and takes its servers off the directory', async () => {
  const hub = new Hub();
  await using asker = await createNode({ url: 'zmq+memory://', hub, noServerMs: 0 });
  {
    await using node = await createNode({ url: 'zmq+memory://', hub });
    await node.serve(Echo, handlers);
    expect(await asker.client(Echo).say('there')).toBe('there');
  }
  await expect(asker.client(Echo).say('gone')).rejects.toMatchObject({ code: 'no-server' });
});

it('closes what was opened last first, and all of it even if some of it fails', async () => {
  const closed: string[] = [];
  const closing = <T extends object>(port: T, name: string, error?: Error): T =>
    Object.assign(port, {
      close: async () => {
        await Promise.resolve();
        closed.push(name);
        if (error) throw error;
      },
    });
  const node = await createNode({
    url: 'zmq+memory://',
    hub: new Hub(),
    overrides: [
      override(Codec, [], () => closing(new MsgpackrCodec(), 'codec')),
      override(Logger, [], () => closing(new ConsoleLogger(), 'logger')),
      override(Meter, [], () => closing(new CountingMeter(), 'meter', new Error('stuck'))),
    ],
  });
  await expect(node.close()).rejects.toMatchObject({ errors: [new Error('stuck')] });
  expect(closed).toEqual(['codec', 'meter', 'logger']);
});

it('closes what was opened where it cannot be started', async () => {
  const closed: string[] = [];
  const overrides = [
    override(Meter, [], () => Object.assign(new CountingMeter(), { close: () => closed.push('meter') })),
    override(Network, [], () => {
      throw new Error('no network today');
    }),
  ];
  await expect(createNode({ url: 'zmq+memory://', hub: new Hub(), overrides })).rejects.toThrow('no network today');
  expect(closed).toEqual(['meter']);
});

it('gives each node its own, so that differently configured ones do not touch each other', async () => {
  await using a = await createNode('zmq+memory://apart-a', { name: 'a', timeoutMs: 50, noServerMs: 0 });
  await using b = await createNode('zmq+memory://apart-b', { name: 'b', noServerMs: 0 });
  await b.serve(Echo, handlers);
  await expect(a.client(Echo).say('x')).rejects.toMatchObject({ code: 'no-server' });
  expect(await b.client(Echo).say('x')).toBe('x');
  expect(Object.fromEntries(a.counters())).toMatchObject({ 'requests.no-server': 1 });
  expect(a.counters().has('requests.ok')).toBe(false);
  expect(b.counters().get('requests.ok')).toBe(1);
  await a.close();
  expect(await b.client(Echo).say('y')).toBe('y');
});

it('hands on the very objects where all nodes of a hub share them', async () => {
  const Box = contract('box', '1.0', { swap: call<{ readonly run: () => number }, { readonly got: unknown }>() });
  const hub = new Hub();
  const options = { url: 'zmq+memory://', hub, inProcess: 'share' } as const;
  await using server = await createNode(options);
  await using caller = await createNode(options);
  await server.serve(Box, { swap: (got) => ({ got }) });
  const sent = { run: () => 7 };
  expect((await caller.client(Box).swap(sent)).got).toBe(sent);
});

it('refuses a node that shares where others copy, until they have left', async () => {
  const hub = new Hub();
  const copying = await createNode({ url: 'zmq+memory://', hub });
  const share = () => createNode({ url: 'zmq+memory://', hub, inProcess: 'share' });
  await expect(share()).rejects.toThrow('inProcess is share here and copy at the other nodes of this hub');
  await copying.close();
  await using sharing = await share();
  expect(sharing.url).toBe('zmq+memory://?inProcess=share');
  await expect(createNode({ url: 'zmq+memory://', hub })).rejects.toThrow('inProcess is copy here and share');
});

it('lets nodes that name the same place, or are given the same hub, meet', async () => {
  await using a = await createNode('zmq+memory://together');
  await using b = await createNode('zmq+memory://together');
  await a.serve(Echo, handlers);
  expect(await b.client(Echo).say('x')).toBe('x');
});

it('says what a URL lacks', async () => {
  await expect(createNode('zmq+memory://')).rejects.toThrow('zmq+memory:// needs a name, zmq+memory://NAME, or the option hub');
  await expect(createNode('sim://a')).rejects.toThrow('sim:// needs the overrides of a simulated world');
});

it('does not listen beyond this host because a ring says so', async () => {
  using place = temporary();
  const ring = join(place.path, 'ring.yaml');
  writeFileSync(ring, 'servers:\n  - { topic: echo, server: me, address: "tcp://0.0.0.0:4000" }\n');
  await expect(createNode(`zmq+static://${ring}?name=me`)).rejects.toThrow('reaches beyond this host without encryption');
});

it('rejects serving what a ring does not list, and serves it once it does', async () => {
  using place = temporary();
  const ring = join(place.path, 'ring.yaml');
  writeFileSync(ring, 'servers: []\n');
  await using node = await createNode(`zmq+static://${ring}?name=me`);
  await expect(node.serve(Echo, handlers)).rejects.toThrow(`[invalid-argument] ${ring} lists no such server; add: `);
  writeFileSync(ring, 'servers:\n  - { topic: echo, server: me, address: "tcp://127.0.0.1:4000" }\n');
  expect(await node.serve(Echo, handlers)).toMatchObject({ server: 'me' });
});

it('is refused where a ring lists the servers of its name at several addresses, unless it is told which to bind', async () => {
  using place = temporary();
  const ring = join(place.path, 'ring.yaml');
  const entry = (topic: string, port: number) =>
    `  - { topic: ${topic}, server: me, address: "tcp://127.0.0.1:${String(port)}" }\n`;
  writeFileSync(ring, `servers:\n${entry('echo', 4_000)}${entry('other', 4_001)}`);
  await expect(createNode(`zmq+static://${ring}?name=me`)).rejects.toThrow(
    `[invalid-argument] ${ring} lists "me" at tcp://127.0.0.1:4000 and tcp://127.0.0.1:4001: give it one address`,
  );
  await using node = await createNode(`zmq+static://${ring}?name=me&bind=tcp://127.0.0.1:4001`);
  expect(node.name).toBe('me');
});

it('serves where it could not listen before, once the address is free', async () => {
  using place = temporary();
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await using node = await createNode(`zmq+local://${place.path}?bind=tcp://127.0.0.1:${String(port)}`);
  await expect(node.serve(Echo, handlers)).rejects.toMatchObject({ code: 'undeliverable' });
  other.close();
  await once(other, 'close');
  await node.serve(Echo, handlers);
  expect(await node.client(Echo).say('free')).toBe('free');
});

it('serves by the default URL where the environment names the runtime folder of another user', async () => {
  using place = temporary();
  // Whoever owns / is another user, or is root, who can give folders away.
  const theirs = process.getuid?.() === 0 ? join(place.path, 'theirs') : '/';
  if (theirs !== '/') {
    for (const folder of [theirs, join(theirs, 'skein')]) {
      mkdirSync(folder, { mode: 0o700 });
      chownSync(folder, 54_321, 54_321);
    }
  }
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('TMPDIR', place.path);
  vi.stubEnv('XDG_RUNTIME_DIR', theirs);
  await using node = await createNode('zmq+local://');
  await node.serve(Echo, handlers);
  expect(await node.client(Echo).say('there')).toBe('there');
});

it('leaves no storage behind that Node hands on to every promise of the process', async () => {
  // Node puts one mark for each storage in use on whatever is asynchronous.
  const inUse = (): number => Object.getOwnPropertySymbols(new AsyncResource('test')).length;
  const before = inUse();
  const node = await createNode({ url: 'zmq+memory://', hub: new Hub() });
  const { started } = waitOn(node);
  const Relay = contract('relay', '1.0', { wait: call() });
  let ended: Promise<unknown> | undefined;
  // What a handler has sent fails within its work as the node closes.
  await node.serve(Relay, { wait: () => (ended = Promise.resolve(node.client(Echo).wait()).catch(() => undefined)) });
  node
    .client(Relay)
    .wait()
    .subscribe({ error: () => undefined });
  await started;
  expect(inUse()).toBe(before + 1);
  await node.close();
  await ended;
  expect(inUse()).toBe(before);
});

it('runs inside a worker thread, but for the network that cannot', async () => {
  using place = temporary();
  const { code, stdout, stderr } = await runTs([fileURLToPath(new URL('./in-worker-thread.ts', import.meta.url))], place);
  expect(stdout.split('\n')).toEqual([
    '[invalid-argument] ZeroMQ runs in the main thread only: its sockets end the whole process when a worker thread ends',
    'a node can be made inside: true',
    'the worker ended with 0, and a node can be made outside: true',
    '',
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
