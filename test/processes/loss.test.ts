import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clients, heartbeatMs, LoadedCluster, servers } from './loaded-cluster.js';
import { cleanUp, overEachNetwork } from './spawn.js';

/** Calls a second, of all clients together. */
const rate = 5_000;

overEachNetwork(() => {
  /** The tests go on one after another with what the ones before have left, as a cluster does. */
  describe('a cluster of three clients and four servers under a steady load', { timeout: 60_000 }, () => {
    const cluster = new LoadedCluster(rate);

    /** What failed since this was last asked, in words, but for plain calls that were in flight to one of those peers. */
    const failedOtherwise = (...lost: readonly string[]): readonly string[] => [
      ...new Set(
        cluster
          .takeFailures()
          .filter(
            ({ kind, code, ran, peer }) =>
              kind !== 'once' || code !== 'link-lost' || ran !== 'unknown' || !lost.includes(peer ?? ''),
          )
          .map(({ kind, meant, message, ran }) => `${kind} ${meant}: ${message} (${ran})`),
      ),
    ];

    beforeAll(() => cluster.start(), 60_000);
    afterAll(cleanUp);

    it('is in use, and nothing fails', () => {
      expect(failedOtherwise()).toEqual([]);
    });

    it.each(servers)('loses plain calls in flight to %s when it is killed, and nothing else', async (server) => {
      const address = cluster.address(server);
      const plain = await Promise.all(clients.map((client) => cluster.hold(client, server, 'hold')));
      const repeatable = await Promise.all(clients.map((client) => cluster.hold(client, server, 'holdAgain')));
      await cluster.stopServer(server, 'SIGKILL');
      const codes = await Promise.all(clients.map((client, i) => cluster.codeOf(client, plain[i] ?? '')));
      expect(codes).toEqual(clients.map(() => 'link-lost'));
      await cluster.startServer(server);
      // What may be repeated goes on where its server does.
      await Promise.all(repeatable.map((token) => cluster.isHeld(server, token)));
      for (const client of clients) cluster.tell(client, { do: 'let go' });
      await Promise.all(repeatable.map((token) => cluster.isLetGo(server, token)));
      expect(failedOtherwise(address)).toEqual([]);
    });

    it.each(clients)('cancels on all servers what %s has them do when it is killed', async (client) => {
      const held = await Promise.all(
        servers.map(async (server) => ({
          server,
          plain: await cluster.hold(client, server, 'hold'),
          repeatable: await cluster.hold(client, server, 'holdAgain'),
        })),
      );
      await cluster.killClient(client);
      const killedAt = performance.now();
      const beatsUntil = async (which: 'plain' | 'repeatable'): Promise<number> => {
        await Promise.all(held.map((one) => cluster.isLetGo(one.server, one[which])));
        return (performance.now() - killedAt) / heartbeatMs;
      };
      const isBack = cluster.startClient(client);
      const [plain, repeatable] = await Promise.all([beatsUntil('plain'), beatsUntil('repeatable')]);
      // At once, and after three heartbeats, as is shown exactly in virtual time; here eight busy processes may all be late.
      expect(plain).toBeLessThan(3);
      expect(repeatable).toBeLessThan(6);
      await isBack;
      expect(failedOtherwise()).toEqual([]);
    });

    it('takes no server for another when two exchange their names and addresses', async () => {
      const [first, second] = [cluster.address('s0'), cluster.address('s1')];
      await Promise.all([cluster.stopServer('s0', 'SIGKILL'), cluster.stopServer('s1', 'SIGKILL')]);
      await Promise.all([cluster.startServer('s0', second), cluster.startServer('s1', first)]);
      expect(failedOtherwise(first, second)).toEqual([]);
    });

    it('loses nothing at all while its servers are drained and started again, one after another', async () => {
      for (const server of servers) {
        expect(await cluster.stopServer(server, 'SIGTERM')).toBe('SIGTERM');
        await cluster.startServer(server);
      }
      expect(failedOtherwise()).toEqual([]);
    });

    it('has answered all else, run no plain call twice, and got none to the wrong server', async () => {
      const { ratePerSecond, answered } = await cluster.finish();
      console.log(`${String(Math.round(ratePerSecond))} of ${String(rate)} calls a second were answered`);
      expect(failedOtherwise()).toEqual([]);
      const records = cluster.records();
      expect(records.filter((line) => line.startsWith('stray'))).toEqual([]);
      const ran = records.filter((line) => line.startsWith('once'));
      expect(new Set(ran).size).toBe(ran.length);
      expect(answered.again).toBeGreaterThan(0);
      expect(answered.once).toBeGreaterThan(0);
      expect(ran.length).toBeGreaterThanOrEqual(answered.once);
    });
  });
});
