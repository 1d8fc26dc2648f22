import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { createNode, type Node } from '../../lib/index.js';
import { endingOf } from '../endings.js';
import { cleanUp, privateUrl, start } from './spawn.js';
import type { Report } from './streams-client.js';
import { Streams } from './streams-contract.js';

/** `SKEIN_LONG=1` takes 30 s slowly, and ten million items then; only so long a run tells what memory does. */
const isLong = process.env.SKEIN_LONG !== undefined;
const { slowMs, total } = isLong ? { slowMs: 30_000, total: 10_000_000 } : { slowMs: 3_000, total: 400_000 };
const credit = 256;
/** What memory may go up and down by: what the collector has not looked at yet. */
const flatMiB = 32;
/** Node's collector lets what is young take more as there is more to do: 48 MiB of it are no stream's. */
const nursery = ['--max-semi-space-size=4'];

let node: Node | undefined;

afterEach(async () => {
  await node?.close();
  node = undefined;
  await cleanUp();
});

describe('a stream between two processes', () => {
  it.each(['give', 'take', 'swap'])(
    'of a slow consumer that is let loose keeps its producer within its credit: %s',
    { timeout: 600_000 },
    async (kind) => {
      const url = privateUrl();
      await start('streams-server.ts', [url], nursery);
      let report: Report | undefined;
      const child = await start(
        'streams-client.ts',
        [url, kind, String(slowMs), String(total)],
        nursery,
        (said) => (report = said as Report),
      );
      if (child.exitCode === null) await once(child, 'exit');
      if (isLong) console.log(kind, report);
      expect(report).toMatchObject({ consumed: total, hasEnded: true });
      const { serverAhead = 0, clientAhead = 0, clientMiB = 0, serverMiB = 0 } = report ?? {};
      expect(serverAhead).toBeLessThanOrEqual(credit);
      expect(clientAhead).toBeLessThanOrEqual(credit);
      expect(Math.max(serverAhead, clientAhead)).toBeGreaterThan(credit / 2);
      if (!isLong) return;
      expect(clientMiB).toBeLessThan(flatMiB);
      expect(serverMiB).toBeLessThan(flatMiB);
    },
  );
});

describe('a call that is watched, of another process', () => {
  const silenceMs = 400;

  it('goes on while that is at work, also where it is blocked for less than the limit', async () => {
    const url = privateUrl();
    await start('streams-server.ts', [url], nursery);
    node = await createNode(url, { name: 'client' });
    const client = node.client(Streams, { silenceMs });
    const endMs = 10 * silenceMs;
    expect(await client.work({ endMs, blockMs: 0.9 * silenceMs })).toBe('done');
  });

  it('fails once that is stopped', async () => {
    const url = privateUrl();
    const server = await start('streams-server.ts', [url], nursery);
    node = await createNode(url, { name: 'client' });
    const client = node.client(Streams, { silenceMs: 1_000 });
    await client.look();
    const working = endingOf(client.work({ endMs: 60_000, blockMs: 0 }));
    await client.look();
    const stoppedAt = performance.now();
    server.kill('SIGSTOP');
    expect(await working).toMatchObject({ code: 'peer-silent', details: { silenceMs: 1_000 }, ran: 'unknown' });
    const tookMs = performance.now() - stoppedAt;
    server.kill('SIGCONT');
    // By how much at the most, virtual time says better (test/rpc/silence.test.ts).
    expect(tookMs).toBeGreaterThan(1_000);
  });
});
