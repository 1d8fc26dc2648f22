import { mergeMap, take, timer } from 'rxjs';
import { call, cast, contract, type Node, type Peer, settle } from 'skein';
import { simulate, type SimNode, type World } from 'skein/testing';
import { heapBytes, wallMs } from './gauges.js';

/** What a simulated cluster of that size costs as it starts, runs, loses a tenth of its nodes and has them back. */
export interface ScaleRow {
  readonly bench: 'scale';
  readonly nodes: number;
  /** Each has twenty servers, and each node serves one and calls two. */
  readonly services: number;
  /** In virtual ms from the start of the last node, from the loss, and from the return, until each node knows exactly the servers that are there. */
  readonly startedMs: number;
  readonly lostMs: number;
  readonly returnedMs: number;
  /** While all is well. */
  readonly wires: number;
  readonly messagesPerSecond: number;
  readonly callsPerSecond: number;
  /** What the directory told over the whole run. */
  readonly setsToldPerNode: number;
  readonly entriesToldPerNode: number;
  readonly calls: number;
  readonly callsFailed: number;
  readonly fanouts: number;
  /** Those that went wrong for one of their servers. */
  readonly fanoutsBroken: number;
  readonly events: number;
  readonly wallMs: number;
  readonly heapKiBPerNode: number;
}

const serversEach = 20;
const callEveryMs = 5_000;
/** Within which those begin that start at once. */
const spreadMs = 200;
const fanoutEveryMs = 20_000;
/** One node of so many is one that sends to all servers of its service. */
const fanoutOneIn = 50;
const startMs = 3_000;

const contractOf = (service: number) =>
  contract(`service-${String(service)}`, '1.0', { work: call<string, string>({ idempotent: true }), tell: cast<number>() });

interface Tally {
  calls: number;
  callsFailed: number;
  fanouts: number;
  fanoutsBroken: number;
}

/** A cluster whose nodes each serve one service and call two, of all that there are. */
class Cluster {
  readonly tally: Tally = { calls: 0, callsFailed: 0, fanouts: 0, fanoutsBroken: 0 };
  readonly services: number;
  readonly #world: World;
  readonly #nodes: SimNode[] = [];
  readonly #down = new Set<number>();

  constructor(world: World, nodes: number) {
    this.#world = world;
    this.services = Math.max(1, Math.round(nodes / serversEach));
  }

  add(): void {
    const number = this.#nodes.length;
    this.#nodes.push(this.#world.node(`node-${String(number)}`, (node) => this.#program(node, number), { directoryMs: 50 }));
  }

  /** One in ten of each service's nodes. */
  everyTenth(): readonly number[] {
    return [...this.#nodes.keys()].filter((number) => Math.floor(number / this.services) % 10 === 3);
  }

  kill(numbers: readonly number[]): void {
    for (const number of numbers) {
      this.#down.add(number);
      this.#nodes[number]?.kill();
    }
  }

  async start(numbers: readonly number[]): Promise<void> {
    await Promise.all(numbers.map(async (number) => this.#nodes[number]?.start()));
    for (const number of numbers) this.#down.delete(number);
  }

  /** Lets time pass until all know exactly the servers that are there, and says how long that took. */
  async converge(): Promise<number> {
    const { clock } = this.#world;
    const since = clock.now();
    while (!this.#hasConverged()) {
      if (clock.now() - since > 120_000) throw new Error('the cluster has not converged within two minutes');
      await pass(100);
    }
    return Math.round(clock.now() - since);
  }

  #hasConverged(): boolean {
    const up = this.#nodes.map((node, number) => ({ node, number })).filter(({ number }) => !this.#down.has(number));
    const idsOf = Array.from({ length: this.services }, () => new Set<string>());
    for (const { node, number } of up) idsOf[number % this.services]?.add(node.id);
    return up.every(({ node, number }) => {
      const known = new Set(peersOf(node).map(({ id }) => id));
      const wanted = new Set(this.#used(number).flatMap((service) => [...(idsOf[service] ?? [])]));
      return known.size === wanted.size && [...wanted].every((id) => known.has(id));
    });
  }

  #used(number: number): readonly number[] {
    return [...new Set([number % this.services, (number + 1) % this.services])];
  }

  async #program(node: Node, number: number): Promise<unknown> {
    const { tally } = this;
    const mine = contractOf(number % this.services);
    const served = await node.serve(mine, { work: (order) => order, tell: () => undefined });
    const clients = this.#used(number).map((service) => node.client(contractOf(service), { balance: 'hash', retries: 3 }));
    // Each node has a few customers, whose orders always go to the same servers.
    const called$ = timer((number * 37) % spreadMs, callEveryMs).pipe(
      mergeMap((turn) => clients.map((client) => client.work('order', { key: `${String(number)}/${String(turn % 2)}` }))),
      mergeMap((called) => settle(called)),
    );
    const calling = called$.subscribe(({ ok }) => {
      tally.calls += 1;
      if (!ok) tally.callsFailed += 1;
    });
    if (number % fanoutOneIn !== 0) return [served, calling];
    const own = node.client(mine);
    const telling = timer((number * 41) % spreadMs, fanoutEveryMs)
      .pipe(mergeMap(async (turn) => own.$fanout.tell(turn)))
      .subscribe((outcomes) => {
        tally.fanouts += 1;
        if (outcomes.some(({ ok }) => !ok)) tally.fanoutsBroken += 1;
      });
    return [served, calling, telling];
  }
}

const pass = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

const peersOf = (node: SimNode): readonly Peer[] => {
  let known: readonly Peer[] = [];
  node.peers$.pipe(take(1)).subscribe((peers) => (known = peers));
  return known;
};

/** Starts so many nodes within three seconds, has them work, kills a tenth of them at once, and starts those again; all is calm for so long between. */
export const scale = async (nodes: number, calmMs = 20_000): Promise<ScaleRow> => {
  const heapBefore = heapBytes();
  const startedAt = wallMs();
  let row: Omit<ScaleRow, 'wallMs'> | undefined;
  await simulate({ seed: 1, limitMs: 3_600_000 }, async (world) => {
    const cluster = new Cluster(world, nodes);
    const steps = 100;
    for (let step = 0; step < steps; step += 1) {
      for (let left = Math.floor(((step + 1) * nodes) / steps) - Math.floor((step * nodes) / steps); left > 0; left -= 1) {
        cluster.add();
      }
      await pass(startMs / steps);
    }
    const startedMs = await cluster.converge();
    await pass(calmMs);
    const [before, callsBefore] = [world.figures(), cluster.tally.calls];
    await pass(calmMs);
    const [after, callsAfter] = [world.figures(), cluster.tally.calls];
    const perSecond = (count: number): number => Math.round(count / (calmMs / 1_000));
    const heapKiBPerNode = Math.round((heapBytes() - heapBefore) / 1_024 / nodes);
    const tenth = cluster.everyTenth();
    cluster.kill(tenth);
    const lostMs = await cluster.converge();
    await cluster.start(tenth);
    const returnedMs = await cluster.converge();
    await pass(calmMs);
    const { events, directory } = world.figures();
    row = {
      bench: 'scale',
      nodes,
      services: cluster.services,
      startedMs,
      lostMs,
      returnedMs,
      wires: after.wires,
      messagesPerSecond: perSecond(after.messages - before.messages),
      callsPerSecond: perSecond(callsAfter - callsBefore),
      setsToldPerNode: Math.round(directory.setsTold / nodes),
      entriesToldPerNode: Math.round(directory.entriesTold / nodes),
      ...cluster.tally,
      events,
      heapKiBPerNode,
    };
  });
  if (!row) throw new Error('the scenario has not come to its end');
  return { ...row, wallMs: Math.round(wallMs() - startedAt) };
};

export const showScale = ({ nodes, services, ...row }: ScaleRow): void => {
  console.log(`scale ${String(nodes)} nodes of ${String(services)} services, each node a server of one and a caller of two`);
  console.log(
    `  knows all ${seconds(row.startedMs)} after the last start, ${seconds(row.lostMs)} after the loss of a tenth, ` +
      `${seconds(row.returnedMs)} after its return`,
  );
  console.log(
    `  ${String(row.wires)} wires, ${String(row.messagesPerSecond)} messages/s with ${String(row.callsPerSecond)} calls/s; ` +
      `${String(row.setsToldPerNode)} sets of ${String(row.entriesToldPerNode)} entries told to each node`,
  );
  console.log(
    `  ${String(row.callsFailed)} of ${String(row.calls)} calls failed, ${String(row.fanoutsBroken)} of ${String(row.fanouts)} fanouts; ` +
      `${seconds(row.wallMs)} for ${String(row.events)} events, ${String(row.heapKiBPerNode)} KiB a node`,
  );
};

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
