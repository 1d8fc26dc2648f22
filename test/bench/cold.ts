import { once } from 'node:events';
import type { Role } from './messages.js';
import { median } from './pace.js';
import { order, spawnWorker } from './pair.js';
import { Missing, prepare } from './prepare.js';
import { privateFolder } from './programs.js';

/** How long a new process takes until it has its first reply, of a server that is there. */
export interface ColdRow {
  readonly bench: 'cold';
  readonly system: Role['system'];
  readonly network: Role['network'];
  /** Each run's, from the start of the process; most of it is Node's own, and the packages'. */
  readonly firstReplyMs: readonly number[];
}

const coldSystems = ['net', 'zeromq', 'moleculer', 'nats', 'grpc', 'skein'] as const;

export const cold = async (
  network: Role['network'],
  { runs, systems }: { readonly runs: number; readonly systems: readonly Role['system'][] },
): Promise<readonly ColdRow[]> => {
  const rows: ColdRow[] = [];
  for (const system of coldSystems.filter((one) => one === 'skein' || systems.includes(one))) {
    try {
      rows.push(await coldOf(system, network, runs));
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      console.log(`${system}: not measured: ${error.message}`);
    }
  }
  return rows;
};

const coldOf = async (system: Role['system'], network: Role['network'], runs: number): Promise<ColdRow> => {
  const folder = privateFolder();
  const prepared = await prepare(system, folder);
  const role = { bench: 'call', system, network, folder, servers: 1, payloadBytes: 14 } as const;
  const server = spawnWorker(folder);
  const end = async (worker: typeof server): Promise<void> => {
    const exited = once(worker, 'exit');
    worker.send({ do: 'end' });
    await exited;
  };
  try {
    const { address } = await order(
      server,
      { do: 'start', role: { ...role, side: 'server', address: prepared.address } },
      'started',
    );
    const firstReplyMs: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const startedAt = performance.now();
      const client = spawnWorker(folder);
      await order(client, { do: 'start', role: { ...role, side: 'client', address } }, 'started');
      // As many calls as begin at once: one.
      await order(client, { do: 'measure', window: 1, seconds: 0.001 }, 'measured');
      firstReplyMs.push(performance.now() - startedAt);
      await end(client);
    }
    return { bench: 'cold', system, network, firstReplyMs };
  } finally {
    await end(server);
    await prepared.end();
  }
};

export const showCold = ({ system, network, firstReplyMs }: ColdRow): void => {
  const whole = (ms: number): string => String(Math.round(ms));
  console.log(
    `${system.padEnd(10)} ${network}: first reply ${whole(median(firstReplyMs))} ms after the start of the process ` +
      `(${whole(Math.min(...firstReplyMs))}–${whole(Math.max(...firstReplyMs))})`,
  );
};
