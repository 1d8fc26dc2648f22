import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type Figures, isTcp, type Order, type Report, type Role } from './messages.js';
import { prepare, type Prepared } from './prepare.js';
import { privateFolder, startProgram } from './programs.js';

/** What a client measured, and the processor's time that both sides took for it. */
export interface Measured extends Figures {
  readonly cpuUsPerOp: number;
}

/** How a process is. */
export interface Health {
  /** In use once all that is garbage is gone. */
  readonly heapMiB: number;
  readonly rssMiB: number;
  /** How late the event loop was. */
  readonly loopP99Ms: number;
}

/** A server and a client of one system, in two processes. */
export class Pair {
  readonly #prepared: Prepared;
  readonly #server: ChildProcess;
  readonly #client: ChildProcess;

  private constructor(prepared: Prepared, server: ChildProcess, client: ChildProcess) {
    this.#prepared = prepared;
    this.#server = server;
    this.#client = client;
  }

  /** Throws `Missing` where what the system needs is not there. */
  static async start(work: Omit<Role, 'side' | 'folder' | 'address'>): Promise<Pair> {
    const what = work.system === 'skein' ? work : { ...work, network: isTcp(work.network) ? ('tcp' as const) : ('ipc' as const) };
    const folder = privateFolder();
    const prepared = await prepare(what.system, folder);
    const [server, client] = [spawnWorker(folder), spawnWorker(folder)];
    const startOne = (worker: ChildProcess, side: Role['side'], address: string) =>
      order(worker, { do: 'start', role: { ...what, folder, side, address } }, 'started');
    if (what.bench === 'fanout' && what.system.startsWith('zeromq')) {
      // Subscribers connect to their publisher.
      const { address } = await startOne(client, 'client', '');
      await order(client, { do: 'meet', address: (await startOne(server, 'server', address)).address }, 'met');
    } else await startOne(client, 'client', (await startOne(server, 'server', prepared.address)).address);
    return new Pair(prepared, server, client);
  }

  async measure(window: number, seconds: number): Promise<Measured> {
    const before = await this.usage();
    const figures = await order(this.#client, { do: 'measure', window, seconds }, 'measured');
    const after = await this.usage();
    return { ...figures, cpuUsPerOp: (after.cpuUs - before.cpuUs) / (figures.opsPerSecond * seconds) };
  }

  /** Of both processes, in all. */
  async usage(): Promise<{ readonly rssMiB: number; readonly cpuUs: number }> {
    const reports = await Promise.all([this.#server, this.#client].map((worker) => order(worker, { do: 'usage' }, 'usage')));
    const sum = (of: 'rssBytes' | 'cpuUs'): number => reports.reduce((total, report) => total + report[of], 0);
    return { rssMiB: sum('rssBytes') / 2 ** 20, cpuUs: sum('cpuUs') };
  }

  /** Of each process, since this was asked before. */
  async health(): Promise<{ readonly server: Health; readonly client: Health }> {
    const of = async (worker: ChildProcess): Promise<Health> => {
      const { heapBytes, rssBytes, loopP99Ms } = await order(worker, { do: 'health' }, 'health');
      return { heapMiB: heapBytes / 2 ** 20, rssMiB: rssBytes / 2 ** 20, loopP99Ms };
    };
    return { server: await of(this.#server), client: await of(this.#client) };
  }

  async end(): Promise<void> {
    for (const worker of [this.#client, this.#server]) {
      const exited = once(worker, 'exit');
      worker.send({ do: 'end' } satisfies Order);
      await exited;
    }
    await this.#prepared.end();
  }
}

export const spawnWorker = (folder: string): ChildProcess => startProgram('worker.js', folder);

type ReportOf<K extends Report['is']> = Extract<Report, { is: K }>;

export const order = <K extends Exclude<Report['is'], 'failed'>>(
  worker: ChildProcess,
  what: Order,
  expected: K,
): Promise<ReportOf<K>> =>
  new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onReport).off('exit', onExit);
    };
    const onReport = (report: Report): void => {
      settle();
      if (report.is === expected) resolve(report as ReportOf<K>);
      else reject(new Error(report.is === 'failed' ? report.error : `expected ${expected}, and got ${report.is}`));
    };
    const onExit = (code: number | null): void => {
      settle();
      reject(new Error(`a worker ended with ${String(code)}`));
    };
    worker.on('message', onReport).on('exit', onExit);
    worker.send(what);
  });
