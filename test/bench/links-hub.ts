import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { BehaviorSubject } from 'rxjs';
import { createNode, Matchmaker, override, type Registration } from 'skein';
import { type HubOrder, type HubReport, Links, Told } from './links-contract.js';
import { percentiles } from './pace.js';

/** The one node that has links to all others; obeys its parent, and ends with it. */
const [url = '', peers = ''] = process.argv.slice(2);
const all$ = new BehaviorSubject<readonly Registration[]>([]);
const overrides = [override(Matchmaker, [], () => new Told(all$, () => undefined))];
const node = await createNode(url, { name: 'hub', linksMax: Number(peers), timeoutMs: 30_000, overrides });
const client = node.client(Links);

const collect = (globalThis as { gc?: () => void }).gc;

/** Until the time is up, one after the other, a part of a ms apart: what it has to do with links is not to hide behind other calls. */
const call = async (seconds: number): Promise<HubReport['call']> => {
  const samplesUs: number[] = [];
  const pinned = client.$on('peer-0');
  const endsAt = performance.now() + seconds * 1_000;
  while (performance.now() < endsAt) {
    const startedAt = performance.now();
    if ((await pinned.echo(7)) !== 7) throw new Error('a wrong reply');
    samplesUs.push((performance.now() - startedAt) * 1_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return percentiles(samplesUs);
};

const fanout = async (seconds: number): Promise<HubReport['fanout']> => {
  const startedAt = performance.now();
  let [delivered, failed] = [0, 0];
  const lane = async (): Promise<void> => {
    while (performance.now() - startedAt < seconds * 1_000) {
      for (const { ok } of await client.$fanout.note(7)) {
        if (ok) delivered += 1;
        else failed += 1;
      }
    }
  };
  await Promise.all([lane(), lane()]);
  return { deliveriesPerSecond: delivered / ((performance.now() - startedAt) / 1_000), failed };
};

const obey = async (order: HubOrder): Promise<HubReport[HubOrder['do']]> => {
  switch (order.do) {
    case 'know':
      all$.next(order.registrations);
      return null;
    case 'usage': {
      collect?.();
      const { user, system } = process.cpuUsage();
      return {
        rssBytes: process.memoryUsage().rss,
        cpuUs: user + system,
        descriptors: readdirSync('/proc/self/fd').length,
      };
    }
    case 'connect': {
      const startedAt = performance.now();
      let connectedAt = startedAt;
      const watch = (message: unknown): void => {
        (message as { readonly socket: Socket }).socket.once('connect', () => (connectedAt = performance.now()));
      };
      subscribe('net.client.socket', watch);
      await Promise.all(all$.value.map(({ server }) => client.$on(server).$ping()));
      unsubscribe('net.client.socket', watch);
      return { ms: performance.now() - startedAt, readyMs: performance.now() - connectedAt };
    }
    case 'fanout':
      return fanout(order.seconds);
    case 'call':
      return call(order.seconds);
  }
};

process.on('message', (order: HubOrder) => {
  void obey(order).then((report) => process.send?.(report));
});
process.once('disconnect', () => process.exit());
process.send?.({});
