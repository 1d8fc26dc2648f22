import { filter, firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { createNode, type Node, SkeinError } from '../../lib/index.js';
import { type Ending, endingOf, untilLost } from '../endings.js';
import { Worker } from './contract.js';
import { cleanUp, kill, overEachNetwork, privateUrl, startWorker } from './spawn.js';

let node: Node | undefined;

const connect = async (url: string): Promise<Node> => {
  node = await createNode(url, { name: 'client' });
  return node;
};

afterEach(async () => {
  await node?.close();
  node = undefined;
  await cleanUp();
});

overEachNetwork(() => {
  describe('a server that is killed under load', () => {
    it('ends every request in flight with a typed error, and leaves other servers alone', async () => {
      const url = privateUrl();
      const [victim] = await Promise.all([startWorker(url, 'victim'), startWorker(url, 'other')]);
      const client = (await connect(url)).client(Worker, { timeoutMs: 20_000 });
      await Promise.all([client.$on('victim').who(), client.$on('other').who()]);

      const hung = Array.from({ length: 200 }, (_, i) => endingOf(client.$on('victim').hang(`hung-${String(i)}`)));
      const others: Promise<Ending>[] = [];
      const load = Array.from({ length: 2_000 }, (_, i) => {
        others.push(endingOf(client.$on('other').echo(i)));
        return endingOf(client.$on('victim').echo(i));
      });
      await load[0];
      await kill(victim);

      const ended = await Promise.all([...hung, ...load]);
      const codes = new Set(ended.map((ending) => (ending === 'ok' ? 'ok' : ending.code)));
      expect(
        [...codes].filter((code) => !['ok', 'link-lost', 'peer-silent', 'undeliverable', 'no-server'].includes(code)),
      ).toEqual([]);
      // What hangs was sent, so no one can know whether it ran.
      expect(ended.slice(0, 200).map((ending) => ending !== 'ok' && ending.ran)).toEqual(
        Array.from({ length: 200 }, () => 'unknown'),
      );
      expect(await Promise.all(others)).toEqual(Array.from({ length: 2_000 }, () => 'ok'));
      expect((await client.who()).server).toBe('other');
    });

    it('is used again when it comes back under its name and address, and never gets what was meant for the former one', async () => {
      const url = privateUrl('bind=ipc://the-same');
      const first = await startWorker(url, 'phoenix');
      const client = (await connect(url.replace(/\?.*/, ''))).client(Worker, { timeoutMs: 20_000 }).$on('phoenix');
      const before = await client.who();
      const forTheFormer = Array.from({ length: 100 }, (_, i) => endingOf(client.hang(`former-${String(i)}`)));
      await client.echo('so they were sent');
      await kill(first);
      expect((await Promise.all(forTheFormer)).every((ending) => ending !== 'ok')).toBe(true);

      // Sees the directory's update, which may come a little later than the worker says that it is ready.
      const isBack = firstValueFrom(
        (node as Node).peers$.pipe(filter((peers) => peers.some(({ id }) => id !== before.incarnation))),
      );
      await startWorker(url, 'phoenix');
      await isBack;
      const after = await client.who();
      expect(after.incarnation).not.toBe(before.incarnation);
      expect(await client.tokens()).toEqual([]);
    });
  });

  describe('a server that was killed', () => {
    it.each([
      ['its own', '?leaseMs=300', {}],
      ['that of whoever asks', '', { leaseMs: 300 }],
    ])('is listed no longer than a lease of 300 ms, %s', async (_whose, settings, options) => {
      const url = privateUrl();
      const worker = await startWorker(`${url}${settings}`, 'ghost');
      node = await createNode(url, { name: 'client', noServerMs: 0, ...options });
      const client = node.client(Worker, { timeoutMs: 100 });
      // Both processes have just begun.
      await client.who(undefined, { timeoutMs: 10_000 });
      await kill(worker);
      const diedAt = performance.now();
      for (let ending: Ending = 'ok'; ending === 'ok' || ending.code !== 'no-server';) ending = await endingOf(client.who());
      // A call's whole time more, for it may have begun just before.
      expect(performance.now() - diedAt).toBeLessThan(400);
    });
  });

  describe('a server that is stopped', () => {
    it('is suspect after three heartbeats and lost by the tenth, and what waits for it ends peer-silent', async () => {
      const url = privateUrl();
      const heartbeatMs = 200;
      const worker = await startWorker(`${url}?heartbeatMs=${String(heartbeatMs)}`, 'sleeper');
      node = await createNode(url, { name: 'client', heartbeatMs });
      const client = node.client(Worker, { timeoutMs: 20_000 });
      await client.who();

      const states = untilLost(node, () => performance.now());
      const hung = endingOf(client.hang('asleep'));
      await client.echo('so that was sent');
      const stoppedAt = performance.now();
      worker.kill('SIGSTOP');
      const seen = await states;
      worker.kill('SIGCONT');

      const beatsUntil = (wanted: string): number =>
        ((seen.find(({ state }) => state === wanted)?.at ?? Infinity) - stoppedAt) / heartbeatMs;
      // One beat of grace for the scheduling of two busy processes; the figures are ratios to the configured interval.
      expect(beatsUntil('suspect')).toBeLessThanOrEqual(4);
      expect(beatsUntil('lost')).toBeGreaterThan(beatsUntil('suspect'));
      expect(beatsUntil('lost')).toBeLessThanOrEqual(11);
      const ending = await hung;
      expect(ending).toBeInstanceOf(SkeinError);
      expect((ending as SkeinError).code).toBe('peer-silent');
    });
  });
});
