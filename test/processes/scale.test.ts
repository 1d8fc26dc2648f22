import { readFileSync } from 'node:fs';
import { firstValueFrom, lastValueFrom, map, mergeMap, range, reduce, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { call, cast, contract, createNode, isSkeinError, type Node } from '../../lib/index.js';
import { Worker } from './contract.js';
import { cleanUp, privateUrl, start, startWorker } from './spawn.js';

const nodes: Node[] = [];

const open = async (url: string, options: Parameters<typeof createNode>[0] = {}): Promise<Node> => {
  const node = await createNode(url, options as object);
  nodes.push(node);
  return node;
};

afterEach(async () => {
  for (const node of nodes.splice(0).reverse()) await node.close();
  await cleanUp();
});

/** Established TCP connections to a local port, as the kernel lists them; each is there twice, once for each end. */
const connectionsTo = (port: number): number => {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const established = '01';
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => remote?.endsWith(wanted) === true && state === established).length;
};

describe('links', () => {
  it('carry 10,000 calls to one peer over one connection', async () => {
    const url = privateUrl();
    await startWorker(`${url}?bind=tcp://127.0.0.1:*`, 'one');
    const node = await open(url);
    const client = node.client(Worker);
    const echoed = await lastValueFrom(
      range(0, 10_000).pipe(
        mergeMap((n) => client.echo(n), 256),
        reduce((sum, n) => sum + (n as number), 0),
      ),
    );
    expect(echoed).toBe((10_000 * 9_999) / 2);
    const [peer] = await firstValueFrom(node.peers$);
    expect(connectionsTo(Number(peer?.address.split(':').at(-1)))).toBe(1);
  });

  it('are never more than their cap, with ten times as many peers, and every call ends', async () => {
    const url = privateUrl();
    await start('many-nodes.ts', [url, '80']);
    const node = await open(url, { linksMax: 8 });
    let most = 0;
    const watching = node.peers$.subscribe((peers) => {
      most = Math.max(most, peers.filter(({ state, why }) => state === 'live' || why === 'it is being dialled').length);
    });
    const client = node.client(Worker, { timeoutMs: 25_000 });
    const answers = await lastValueFrom(
      range(0, 800).pipe(
        mergeMap((n) => client.$on(`server-${String(n % 80)}`).who(), 160),
        map(({ server }) => server),
        toArray(),
      ),
    );
    watching.unsubscribe();
    expect(answers).toHaveLength(800);
    expect(new Set(answers).size).toBe(80);
    expect(most).toBeLessThanOrEqual(8);
    expect(most).toBeGreaterThan(0);
  });
});

describe('servers on one host', () => {
  it('get what is meant for them: 1,000 targeted calls to h@a and h@b', async () => {
    const url = privateUrl();
    await Promise.all([startWorker(url, 'h@a'), startWorker(url, 'h@b')]);
    const client = (await open(url)).client(Worker);
    const answers = await lastValueFrom(
      range(0, 1_000).pipe(
        mergeMap((n) => {
          const meant = n % 2 === 0 ? 'h@a' : 'h@b';
          return client
            .$on(meant)
            .who()
            .pipe(map(({ server }) => server === meant));
        }, 64),
        toArray(),
      ),
    );
    expect(answers).toEqual(Array.from({ length: 1_000 }, () => true));
  });
});

describe('a topic of 200 characters', () => {
  it('works over ipc', async () => {
    const url = privateUrl();
    const Long = contract('long-'.repeat(40), '1.0', { hello: call<undefined, string>() });
    expect(Long.name).toHaveLength(200);
    await (await open(url)).serve(Long, { hello: () => 'hello' });
    expect(await (await open(url)).client(Long).hello()).toBe('hello');
  });
});

describe.each([
  ['tcp', 'tcp://127.0.0.1:*'],
  ['ipc', 'ipc://*'],
])('payloads over %s', (_network, bind) => {
  it('arrive as they were sent, from 1 byte to 64 MiB', async () => {
    const url = privateUrl();
    await startWorker(`${url}?bind=${bind}`, 'echo');
    const client = (await open(url)).client(Worker);
    for (const bytes of [1, 100, 16 * 1024 - 1, 16 * 1024, 65_537, 1024 * 1024, 64 * 1024 * 1024]) {
      const sent = Buffer.alloc(bytes);
      for (let i = 0; i < bytes; i += 997) sent[i] = i % 251;
      const back = await client.blob(sent);
      expect(Buffer.compare(Buffer.from(back.buffer, back.byteOffset, back.byteLength), sent)).toBe(0);
    }
    const tooLarge = await client.blob(Buffer.alloc(65 * 1024 * 1024)).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(isSkeinError(tooLarge, 'payload-too-large')).toBe(true);
  });
});

describe('a backlog of 100,000 requests with handlers that answer at once', () => {
  it('overflows neither the stack nor a bound', async () => {
    const url = privateUrl();
    const Slow = contract('slow', '1.0', { step: cast<number>({ concurrency: 1, queue: 131_072 }) });
    const server = await open(url, { linkCredit: 131_072 });
    let release: () => void = () => undefined;
    let steps = 0;
    await server.serve(Slow, {
      step: (n) => {
        if (n < 0) return new Promise<void>((resolve) => (release = resolve));
        steps += 1;
        return undefined;
      },
    });
    const client = (await open(url)).client(Slow);
    await client.$ping();
    const blocked = client.step(-1, { confirm: 'done' }).then(({ state }) => state);
    const receipts = Array.from({ length: 100_000 }, (_, n) => client.step(n));
    await receipts.at(-1);
    expect(steps).toBe(0);
    release();
    expect(await blocked).toBe('done');
    await client.step(100_000, { confirm: 'done' });
    expect(steps).toBe(100_001);
    expect(server.counters().get('mailbox.full') ?? 0).toBe(0);
  });
});

describe('a million calls', () => {
  it('leave the heap as a hundred thousand did, and what has been answered is collected young', async () => {
    const url = privateUrl();
    await startWorker(url, 'echo');
    const child = await start('heap.ts', [url], ['--expose-gc']);
    const report = await new Promise<{ first: number; last: number; promoted: number }>((resolve) => {
      child.once('message', (message) => {
        resolve(message as { first: number; last: number; promoted: number });
      });
      child.send('go');
    });
    const allowed = Math.max(report.first * 0.1, 4 * 1024 * 1024);
    expect(report.last - report.first).toBeLessThanOrEqual(allowed);
    // Ten thousand calls take some 20 MiB, of which those that are under way as it is collected may stay.
    expect(report.promoted).toBeLessThan(2 * 1024 * 1024);
  }, 120_000);
});
