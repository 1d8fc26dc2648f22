import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filter, firstValueFrom, type Observable, ReplaySubject } from 'rxjs';
import type { Ask, Failed, HoldKind, Order, Report } from './load-contract.js';
import { kill, privateFolder, start } from './spawn.js';

/** Half of the default, so that what takes heartbeats does not take the test's time. */
export const heartbeatMs = 500;

export const servers = ['s0', 's1', 's2', 's3'] as const;
export const clients = ['c0', 'c1', 'c2'] as const;
type Server = (typeof servers)[number];
type Client = (typeof clients)[number];

/** Three clients that call four servers at a steady rate, each of them a process. */
export class LoadedCluster {
  readonly #folder = privateFolder();
  readonly #rate: number;
  readonly #reports$ = new ReplaySubject<{ readonly report: Report; readonly from: ChildProcess }>(Infinity);
  readonly #servers = new Map<Server, ChildProcess>();
  readonly #addresses = new Map<Server, string>();
  readonly #clients = new Map<Client, ChildProcess>();
  #failures: Failed[] = [];
  #starts = 0;

  /** `rate` is in calls a second, of all clients together. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  async start(): Promise<void> {
    for (const server of servers) this.#addresses.set(server, `ipc://${join(this.#folder, `${server}.sock`)}`);
    await Promise.all([
      ...servers.map((server) => this.startServer(server)),
      ...clients.map((client) => this.startClient(client)),
    ]);
  }

  /** Where the server listens, or did until it was stopped. */
  address(server: Server): string {
    return known(this.#addresses.get(server), server);
  }

  /** Resolves once all clients have got to it. */
  async startServer(server: Server, address = this.address(server)): Promise<void> {
    this.#addresses.set(server, address);
    this.#starts += 1;
    const records = join(this.#folder, `${String(this.#starts)}.records`);
    const child = await this.#run('load-server.ts', [
      this.#url(`handleSignals=true&bind=${address}`),
      server,
      records,
      String(clients.length),
    ]);
    this.#servers.set(server, child);
    await this.#hears(child, ({ is }) => is === 'in use');
  }

  /** Resolves once it has got to all servers. */
  async startClient(client: Client): Promise<void> {
    // For a pinned server to be started again.
    const url = this.#url('noServerMs=20000');
    const child = await this.#run('load-client.ts', [url, client, String(this.#rate / clients.length), ...servers]);
    this.#clients.set(client, child);
    await this.#hears(child, ({ is }) => is === 'in use');
  }

  /** Ends it by the signal, and says by which signal it ended. */
  async stopServer(server: Server, signal: NodeJS.Signals): Promise<NodeJS.Signals | null> {
    const child = this.server(server);
    await kill(child, signal);
    return child.signalCode;
  }

  async killClient(client: Client): Promise<void> {
    await kill(this.client(client));
  }

  server(name: Server): ChildProcess {
    return known(this.#servers.get(name), name);
  }

  client(name: Client): ChildProcess {
    return known(this.#clients.get(name), name);
  }

  /** Has the client make a call that its server holds; resolves with its token once the server does. */
  async hold(client: Client, server: Server, method: HoldKind): Promise<string> {
    const token = `${client} ${method} ${String(this.#starts)} ${server}`;
    const ask: Ask = { token, meant: server };
    this.tell(client, { do: 'hold', method, ask });
    await this.isHeld(server, token);
    return token;
  }

  async isHeld(server: Server, token: string): Promise<void> {
    await this.#hears(this.server(server), (report) => report.is === 'held' && report.token === token);
  }

  async isLetGo(server: Server, token: string): Promise<void> {
    await this.#hears(this.server(server), (report) => report.is === 'let go' && report.token === token);
  }

  /** The code with which the call that was held ended for its client. */
  async codeOf(client: Client, token: string): Promise<string> {
    const report = await this.#hears(this.client(client), (one) => one.is === 'ended' && one.token === token);
    return report.is === 'ended' ? report.code : '';
  }

  tell(client: Client, order: Order): void {
    this.client(client).send(order);
  }

  /** The calls that have failed since this was last asked. */
  takeFailures(): readonly Failed[] {
    const failures = this.#failures;
    this.#failures = [];
    return failures;
  }

  /** Has the clients send no more, and waits until all that they sent is settled; how many calls a second they sent, and how many of each kind were answered. */
  async finish(): Promise<{ readonly ratePerSecond: number; readonly answered: { again: number; once: number } }> {
    const answered = { again: 0, once: 0 };
    let ratePerSecond = 0;
    for (const client of clients) this.tell(client, { do: 'finish' });
    for (const client of clients) {
      const report = await this.#hears(this.client(client), ({ is }) => is === 'finished');
      if (report.is !== 'finished') continue;
      answered.again += report.answered.again;
      answered.once += report.answered.once;
      ratePerSecond += (report.answered.again + report.answered.once) / report.seconds;
    }
    return { ratePerSecond, answered };
  }

  /** What all servers that there ever were wrote down. */
  records(): readonly string[] {
    return readdirSync(this.#folder)
      .filter((file) => file.endsWith('.records'))
      .flatMap((file) => readFileSync(join(this.#folder, file), 'utf8').split('\n'))
      .filter((line) => line !== '');
  }

  #url(settings: string): string {
    return `zmq+local://${this.#folder}?heartbeatMs=${String(heartbeatMs)}&${settings}`;
  }

  #run(program: string, args: readonly string[]): Promise<ChildProcess> {
    return start(program, args, [], (message, from) => {
      const report = message as Report;
      if (report.is === 'failed') this.#failures.push(report);
      else this.#reports$.next({ report, from });
    });
  }

  async #hears(child: ChildProcess, isMeant: (report: Report) => boolean): Promise<Report> {
    const heard$: Observable<{ readonly report: Report }> = this.#reports$.pipe(
      filter(({ report, from }) => from === child && isMeant(report)),
    );
    return (await firstValueFrom(heard$)).report;
  }
}

const known = <T>(value: T | undefined, name: string): T => {
  if (value === undefined) throw new Error(`${name} was never started`);
  return value;
};
