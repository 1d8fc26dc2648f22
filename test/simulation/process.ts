import { defer, finalize, map, type Observable, Subscription, timer } from 'rxjs';
import {
  call,
  cast,
  type Client,
  type Clock,
  contract,
  type HandlerContext,
  type Handlers,
  type Node,
  type Served,
} from '../../lib/index.js';
import type { Leftovers } from '../world.js';
import type { WireWatch } from './wire-watch.js';

/** A request of the schedule: casts with a lane are to start in the order of their numbers. */
export interface Job {
  readonly lane: string;
  readonly number: number;
  readonly ms: number;
}

export const Work = contract('work', '1.0', {
  quick: call<Job, string>(),
  slow: call<Job, string>(),
  relay: call<Job, string>(),
  often: call<Job, string>({ idempotent: true }),
  note: cast<Job>(),
  sure: cast<Job>({ confirm: 'done' }),
});

/** One run of a node on a host, with what it has sent and what became of that. */
export class Process {
  readonly host: string;
  readonly node: Node;
  readonly client: Client<typeof Work>;
  readonly servers = new Map<string, Served>();
  /** What can be withdrawn, and what is still to end; a send that has ended is in neither. */
  readonly withdrawals = new Set<() => void>();
  readonly #clock: Clock;
  readonly #watch: WireWatch;
  readonly #started: Set<string>;
  readonly #open = new Map<number, string>();
  readonly #lanes = new Map<string, number>();
  readonly #breaches: string[] = [];
  #lastId = 0;
  #sends = 0;
  #ends = 0;

  constructor(host: string, node: Node, clock: Clock, watch: WireWatch, started: Set<string>) {
    this.host = host;
    this.node = node;
    this.#clock = clock;
    this.#watch = watch;
    this.#started = started;
    this.client = node.client(Work);
  }

  /** Sends a call, to be cancelled by unsubscribing. */
  subscribe(what: string, call$: Observable<unknown>): void {
    const end = this.#send(what);
    const subscription = new Subscription();
    const withdraw = (): void => {
      // One that is withdrawn may end others, whose turn to be withdrawn is still to come.
      if (!this.withdrawals.delete(withdraw)) return;
      subscription.unsubscribe();
      end();
    };
    this.withdrawals.add(withdraw);
    const over = (): void => {
      this.withdrawals.delete(withdraw);
      end();
    };
    subscription.add(call$.subscribe({ error: over, complete: over }));
  }

  /** Casts, to be withdrawn by its signal. */
  cast(what: string, send: (signal: AbortSignal) => { readonly state$: Observable<unknown> }): void {
    const end = this.#send(what);
    const stop = new AbortController();
    const withdraw = (): void => stop.abort('withdrawn');
    this.withdrawals.add(withdraw);
    const over = (): void => {
      this.withdrawals.delete(withdraw);
      end();
    };
    send(stop.signal).state$.subscribe({ error: over, complete: over });
  }

  /** A fanout is as many sends as it has recipients, or one that went nowhere. */
  fanout(what: string, outcome$: Observable<unknown>): void {
    const end = this.#send(what);
    let recipients = 0;
    outcome$.subscribe({
      next: () => (recipients += 1),
      error: end,
      complete: () => {
        this.#sends += recipients - 1;
        this.#ends += recipients - 1;
        end();
      },
    });
  }

  /** Casts, and never looks what becomes of it. */
  castUnseen(send: () => unknown): void {
    this.#sends += 1;
    this.#ends += 1;
    send();
  }

  /** What a server of this process does, which looks whether it may. */
  handlers(server: string): Handlers<typeof Work> {
    const answer = (job: Job): Observable<string> => timer(job.ms, this.#clock).pipe(map(() => server));
    const watched =
      <T>(handle: (job: Job) => T, isRepeatable = false) =>
      (job: Job, context: HandlerContext): T => {
        this.#start(server, job, context, isRepeatable);
        return handle(job);
      };
    return {
      quick: watched(() => server),
      slow: watched(answer),
      often: watched(answer, true),
      note: watched(() => undefined),
      sure: watched(answer),
      relay: watched((job) =>
        defer(() => {
          this.#sends += 1;
          return this.client.slow({ ...job, lane: '' });
        }).pipe(finalize(() => (this.#ends += 1))),
      ),
    };
  }

  /** How often its sends ended how. */
  ends(): ReadonlyMap<string, number> {
    return new Map([...this.node.counters()].filter(([name]) => name.startsWith('requests.')));
  }

  /** What is wrong now that all that was sent should have ended. */
  unfinished(): Leftovers {
    const counted = [...this.ends().values()].reduce((sum, total) => sum + total, 0);
    return [
      ...this.#breaches,
      ...[...this.#open.values()].map((what) => `${this.host}: ${what} has not ended`),
      ...(this.#sends === this.#ends ? [] : [`${this.host}: ${String(this.#sends)} sends have ${String(this.#ends)} ends`]),
      ...(this.#sends === counted ? [] : [`${this.host}: ${String(this.#sends)} sends are counted as ${String(counted)}`]),
    ];
  }

  #send(what: string): () => void {
    this.#sends += 1;
    const id = (this.#lastId += 1);
    this.#open.set(id, what);
    return () => {
      this.#ends += 1;
      if (!this.#open.delete(id)) this.#breaches.push(`${this.host}: ${what} has ended twice`);
    };
  }

  #start(server: string, { lane, number }: Job, { id, deadline, peer }: HandlerContext, isRepeatable: boolean): void {
    const now = this.#clock.now();
    const dueAt = this.#watch.dueAt.get(id);
    if (now >= deadline || dueAt === undefined || now >= dueAt) this.#watch.breach(`${server} started ${id} after its deadline`);
    if (this.#started.has(id) && !isRepeatable) this.#watch.breach(`${server} started ${id} again`);
    this.#started.add(id);
    if (lane === '') return;
    const ofWire = `${lane} ${peer.address}`;
    const before = this.#lanes.get(ofWire) ?? 0;
    if (number <= before) this.#watch.breach(`${server} started cast ${String(number)} of ${lane} behind ${String(before)}`);
    this.#lanes.set(ofWire, number);
  }
}
