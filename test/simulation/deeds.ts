import type { CallOptions } from '../../lib/index.js';
import type { Dice } from './dice.js';
import type { Ledger } from './ledger.js';
import type { Process } from './process.js';
import { type Job, type Sent, Work } from './work.js';

/** Most requests get no more time than this. */
export const timeoutMsMax = 3_000;
/** No call is sent again more often by its caller. */
const repeatsMax = 3;
const drainMsMax = 8_000;

/** What a process goes by. */
export interface Ways {
  readonly hosts: readonly string[];
  readonly dice: Dice;
  readonly ledger: Ledger;
  /** Whether servers only come, and leave in order. */
  readonly isCalm: boolean;
  /** Closes its node at once, and starts another one. */
  readonly quit: () => void;
  /** The longest time that a request gets; it may be so long that nobody would wait for it. */
  readonly patienceMs: number;
}

/** What one process does of its own accord: it sends, withdraws, serves, and has its servers leave. All follows from its dice. */
export class Deeds {
  readonly #process: Process;
  readonly #hosts: readonly string[];
  readonly #dice: Dice;
  readonly #ledger: Ledger;
  readonly #isCalm: boolean;
  readonly #quit: () => void;
  readonly #patienceMs: number;

  constructor(process: Process, { hosts, dice, ledger, isCalm, quit, patienceMs }: Ways) {
    this.#process = process;
    this.#hosts = hosts;
    this.#dice = dice;
    this.#ledger = ledger;
    this.#isCalm = isCalm;
    this.#quit = quit;
    this.#patienceMs = patienceMs;
  }

  /** One of all that it can do; what is likely stands there more than once. */
  act(): void {
    const sends = [this.#call, this.#call, this.#call, this.#cast, this.#cast, this.#fanout, this.#withdraw, this.#withdraw];
    const leave = this.#dice.chance(0.1) ? this.#quit : this.#closeServer;
    const changes = [this.#serveAgain, this.#serveAgain, this.#drainServer, this.#isCalm ? this.#serveAgain : leave];
    this.#dice.pick<() => unknown>(this.#dice.chance(0.85) ? sends : changes)?.call(this);
  }

  /** It may take until the directory is there again; what comes of it shows later. */
  serve(server: string): void {
    if (this.#process.servers.has(server)) return;
    const bounds = () => ({ concurrency: 2 + this.#dice.below(7), queue: this.#dice.pick([0, 8, 1_024, 1_024]) ?? 0 });
    const methods = Object.fromEntries(Object.keys(Work.methods).map((name) => [name, bounds()]));
    this.#process.node.serve(Work, this.#process.handlers(server), { server, methods }).then(
      (served) => {
        this.#process.servers.set(server, served);
      },
      () => undefined,
    );
  }

  /** Somewhere to send to, and with which options, so many times over. */
  #burst(method: string, send: (client: Process['client'], job: Job, options: CallOptions, sent: Sent) => void): void {
    const { client, node } = this.#process;
    const pinned = this.#dice.chance(0.5) ? this.#dice.pick(this.#hosts) : undefined;
    const server = pinned !== undefined && this.#dice.chance(0.2) ? `${pinned}@second` : pinned;
    const chosen = server === undefined ? client : client.$on(server);
    for (let left = 1 + this.#dice.below(25); left > 0; left -= 1) {
      const timeoutMs = this.#dice.chance(0.05)
        ? 0
        : 1 + this.#dice.below(this.#dice.pick([20, 300, timeoutMsMax, this.#patienceMs]) ?? 1);
      const retries = this.#dice.chance(0.5) ? 0 : this.#dice.below(4);
      // What is sent again by itself comes behind what was sent meanwhile; and methods need not wait for each other.
      const lane = server === undefined || retries > 0 ? '' : `${node.id} ${server} ${method}`;
      const token = this.#ledger.token();
      const job: Job = {
        token,
        lane,
        number: this.#ledger.number(lane),
        ms: this.#dice.below(this.#dice.pick([10, 10, 10, 300]) ?? 1),
      };
      const what = `${method} ${String(token)} to ${server ?? 'any'} within ${String(timeoutMs)} ms, ${String(retries)} retries`;
      send(chosen, job, { timeoutMs, retries }, { what, token, isPinned: server !== undefined });
    }
  }

  #call(): void {
    const method = this.#dice.pick(['quick', 'slow', 'relay', 'often'] as const) ?? 'quick';
    const repeats = method === 'often' ? (this.#dice.pick([0, 0, 1, repeatsMax]) ?? 0) : 0;
    this.#burst(method, (client, job, options, sent) => {
      this.#process.subscribe(sent, client[method](repeats > 0 ? { ...job, lane: '' } : job, options), repeats);
    });
  }

  #cast(): void {
    const method = this.#dice.pick(['note', 'sure', 'surely'] as const) ?? 'note';
    const isSeen = this.#dice.chance(0.7);
    this.#burst(method, (client, job, options, sent) => {
      if (isSeen) this.#process.cast(sent, (signal) => client[method](job, { ...options, signal }));
      else this.#process.castUnseen(() => client[method](job, options));
    });
  }

  #fanout(): void {
    const method = this.#dice.pick(['note', 'sure'] as const) ?? 'note';
    const token = this.#ledger.token();
    const job: Job = { token, lane: '', number: 0, ms: this.#dice.below(100) };
    const { outcome$ } = this.#process.client.$fanout[method](job, { timeoutMs: this.#dice.below(1_000) });
    this.#process.fanout({ what: `fanout of ${method}`, token, isPinned: true }, outcome$);
  }

  #withdraw(): void {
    for (const withdraw of [...this.#process.withdrawals]) if (this.#dice.chance(0.3)) withdraw();
  }

  #drainServer(): void {
    const [server, served] = this.#dice.pick([...this.#process.servers]) ?? [];
    if (server === undefined || !served) return;
    const timeoutMs = this.#isCalm ? drainMsMax : (this.#dice.pick([0, 50, drainMsMax]) ?? 0);
    void served.drain({ timeoutMs }).then(({ unfinished }) => {
      this.#process.servers.delete(server);
      if (this.#isCalm && unfinished.length > 0) {
        this.#ledger.breach('a drained server has lost something', unfinished.join('; '));
      }
    });
  }

  #closeServer(): void {
    const [server, served] = this.#dice.pick([...this.#process.servers]) ?? [];
    if (server === undefined) return;
    this.#process.servers.delete(server);
    void served?.close();
  }

  #serveAgain(): void {
    this.serve(this.#dice.chance(0.5) ? this.#process.host : `${this.#process.host}@second`);
  }
}
