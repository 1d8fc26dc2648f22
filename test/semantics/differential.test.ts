import { filter, firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import {
  call,
  cast,
  contract,
  defineError,
  type Handlers,
  type Node,
  type Outcome,
  type Served,
  settle,
  typed,
} from '../../lib/index.js';
import type { Cluster } from './cluster.js';
import { describeWith } from '../needs.js';
import { localCluster } from './local-cluster.js';
import { simCluster } from './sim-cluster.js';

class Sold extends defineError('sold', typed<{ readonly item: number }>()) {}

const Shop = contract('shop', '1.0', {
  buy: call({
    input: typed<number>(),
    output: typed<{ readonly item: number; readonly by: string }>(),
    idempotent: true,
    errors: [Sold],
  }),
  fail: call<string, never>(),
  never: call<undefined, undefined>(),
  note: cast<number>({ confirm: 'done' }),
});

const hosts = ['a', 'b', 'c'] as const;
type Host = (typeof hosts)[number];
const stepsEach = 25;

/** What was seen, in the order of the steps. */
type Transcript = unknown[];

/** A random life of a small shop, the same for each seed on every network: what is sent, and who comes and goes, one step after another. */
class Life {
  readonly #cluster: Cluster;
  readonly #random: SeededRandom;
  readonly #served = new Map<Host, Served>();
  readonly #nodes = new Map<Host, Node>();
  readonly #handled = new Map<string, number>();
  readonly #transcript: Transcript = [];
  #starts = 0;

  constructor(cluster: Cluster, seed: number) {
    this.#cluster = cluster;
    this.#random = new SeededRandom(seed);
  }

  async live(): Promise<Transcript> {
    const caller = await this.#cluster.node('caller', { noServerMs: 0 });
    // Who has asked nobody for anything does not look who serves.
    this.#transcript.push(said(await this.#cluster.settle(settle(caller.client(Shop).fail('first')))));
    await this.#open('a', caller);
    for (let step = 0; step < stepsEach; step += 1) {
      const host = this.#pick(hosts);
      const deed = this.#below(10);
      if (deed === 0) await this.#open(host, caller);
      else if (deed === 1) await this.#leave(host, caller, 'close');
      else if (deed === 2) await this.#leave(host, caller, 'drain');
      else this.#transcript.push(await this.#cluster.settle(this.#send(caller)));
    }
    return [...this.#transcript, Object.fromEntries([...this.#handled].sort())];
  }

  async #send(caller: Node): Promise<unknown> {
    const pinned = this.#below(3) === 0 ? this.#pick(hosts) : undefined;
    const client = caller.client(Shop, { balance: 'hash' });
    const chosen = pinned === undefined ? client : client.$on(pinned);
    const items = Array.from({ length: 1 + this.#below(20) }, () => this.#below(100));
    switch (this.#below(6)) {
      case 0:
        return said(await settle(chosen.fail(String(items[0]), { key: 'x' })));
      case 1:
        // By a link that is open, for how long that takes is the network's own.
        await settle(chosen.fail('x', { key: 'x' }));
        return said(await settle(chosen.never(undefined, { key: 'x', timeoutMs: 30 })));
      case 2:
        return (await client.$fanout.note(items[0] as number)).map(outcomeSaid).sort();
      case 3:
        return Promise.all(items.map(async (item) => endOf(chosen.note(item, { key: String(item) }))));
      default:
        return Promise.all(items.map(async (item) => said(await settle(chosen.buy(item, { key: String(item) })))));
    }
  }

  #handlers(host: Host): Handlers<typeof Shop> {
    const count = (what: string): void => {
      const key = `${what} at ${host}`;
      this.#handled.set(key, (this.#handled.get(key) ?? 0) + 1);
    };
    return {
      buy: (item) => {
        count('buy');
        if (item % 7 === 0) throw new Sold({ item });
        return { item, by: host };
      },
      fail: (what) => {
        count('fail');
        throw new TypeError(`no ${what}`);
      },
      never: () => new Promise(() => undefined),
      note: (item) => {
        count('note');
        if (item % 5 === 0) throw new Error('not noted');
      },
    };
  }

  async #open(host: Host, caller: Node): Promise<void> {
    if (this.#served.has(host)) return;
    this.#starts += 1;
    // Another process each time, under the same name.
    const node = await this.#cluster.node(`${host}-${String(this.#starts)}`);
    this.#nodes.set(host, node);
    this.#served.set(host, await this.#cluster.serve(node, Shop, this.#handlers(host), { server: host }));
    await this.#known(caller);
  }

  async #leave(host: Host, caller: Node, how: 'close' | 'drain'): Promise<void> {
    const served = this.#served.get(host);
    if (!served) return;
    this.#served.delete(host);
    if (how === 'close') await this.#cluster.settle(served.close());
    else this.#transcript.push(await this.#cluster.settle(served.drain()));
    await this.#known(caller);
  }

  /** Waits until the caller goes by who serves, and no other. */
  async #known(caller: Node): Promise<void> {
    const wanted = [...this.#served.keys()].sort().join();
    const known$ = caller.peers$.pipe(
      filter(
        (peers) =>
          peers
            .flatMap(({ server }) => server.split(','))
            .sort()
            .join() === wanted,
      ),
    );
    await this.#cluster.settle(firstValueFrom(known$));
  }

  #below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T;
  }
}

/** How something ended, without what is the network's own: addresses and instants. */
const said = (
  outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown },
): unknown => {
  if (outcome.ok) return outcome.value;
  const { name, code, ran, details, message } = outcome.error as Record<string, unknown>;
  // Whether it had left when its time was up is the machine's.
  return { name, code, ran: code === 'deadline-exceeded' ? 'perhaps' : ran, details, message };
};

/** How a cast ended. */
const endOf = (receipt: PromiseLike<unknown>): PromiseLike<unknown> =>
  receipt.then(
    (value) => said({ ok: true, value }),
    (error: unknown) => said({ ok: false, error }),
  );

const outcomeSaid = (outcome: Outcome): string => `${outcome.server} ${JSON.stringify(outcome.ok ? 'ok' : said(outcome))}`;

const transcriptOn = async (start: () => Promise<Cluster>, seed: number): Promise<Transcript> => {
  const cluster = await start();
  try {
    return await new Life(cluster, seed).live();
  } finally {
    await cluster.close();
  }
};

/** As many as are wanted: `SKEIN_SEEDS=1000 npx vitest run test/semantics/differential.test.ts`. */
const seeds = Array.from({ length: Number(process.env.SKEIN_SEEDS ?? 20) }, (_, i) => i + 1);

const sameLives = (query: string) => (): void => {
  it.each(seeds)('comes to the same as on the simulated network, by seed %i', async (seed) => {
    const simulated = await transcriptOn(simCluster, seed);
    expect(await transcriptOn(localCluster(query), seed)).toEqual(simulated);
    expect(simulated.length).toBeGreaterThan(10);
  });
};

describe('the same life by ZMTP in TypeScript', sameLives('?network=zmtp'));
describeWith('zeromq', "the same life by ZeroMQ's library", sameLives('?network=zmq'));
