import { defer, finalize, map, type Observable, of, retry, Subscription, timer } from 'rxjs';
import {
  type CastState,
  type Client,
  type Clock,
  type HandlerContext,
  type Handlers,
  isSkeinError,
  type Node,
  type Outcome,
  type Served,
  type SkeinError,
} from '../../lib/index.js';
import type { Arrivals } from './arrivals.js';
import type { Ledger } from './ledger.js';
import type { WireWatch } from './wire-watch.js';
import { type Job, type Sent, Work } from './work.js';

/** What a process is made of, and who looks on. */
export interface ProcessParts {
  readonly host: string;
  readonly node: Node;
  readonly clock: Clock;
  readonly watch: WireWatch;
  readonly arrivals: Arrivals;
  readonly ledger: Ledger;
  /** Is told how each send failed, and of each that no one watched. */
  readonly failed: (sent: Sent | undefined, error: SkeinError) => void;
}

/** One run of a node on a host, with what it has sent and what became of that. */
export class Process {
  readonly node: Node;
  readonly client: Client<typeof Work>;
  readonly servers = new Map<string, Served>();
  /** What can be withdrawn, and what is still to end; a send that has ended is in neither. */
  readonly withdrawals = new Set<() => void>();
  readonly #parts: ProcessParts;
  readonly #open = new Map<number, string>();
  readonly #lanes = new Map<string, number>();
  #lastId = 0;
  #sends = 0;
  #ends = 0;
  /** What its handlers work on, in words. */
  readonly working = new Set<string>();
  /** Sends that ended with the node, of unknown outcome. */
  cutOff = 0;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.node = parts.node;
    this.client = parts.node.client(Work);
    this.node.undeliverable$.subscribe(({ error }) => this.#failed(undefined, error));
  }

  get host(): string {
    return this.#parts.host;
  }

  get arrivals(): Arrivals {
    return this.#parts.arrivals;
  }

  /** Sends a call, to be cancelled by unsubscribing, and sends it again so many times where it fails. */
  subscribe(sent: Sent, call$: Observable<unknown>, repeats = 0): void {
    const end = this.#send(sent.what);
    const again = (error: unknown): Observable<unknown> => {
      this.#failed(sent, error);
      this.#ends += 1;
      this.#sends += 1;
      return of(undefined);
    };
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
    const error = (thrown: unknown): void => {
      this.#failed(sent, thrown);
      over();
    };
    const repeated$ = repeats === 0 ? call$ : defer(() => call$).pipe(retry({ count: repeats, delay: again }));
    subscription.add(repeated$.subscribe({ error, complete: over }));
  }

  /** Casts, to be withdrawn by its signal. */
  cast(sent: Sent, send: (signal: AbortSignal) => { readonly state$: Observable<CastState> }): void {
    const end = this.#send(sent.what);
    const stop = new AbortController();
    const withdraw = (): void => stop.abort('withdrawn');
    this.withdrawals.add(withdraw);
    const over = (): void => {
      this.withdrawals.delete(withdraw);
      end();
    };
    send(stop.signal).state$.subscribe({
      next: (state) => {
        if (state.state !== 'queued') this.#confirm(sent, state.server);
      },
      error: (error: unknown) => {
        this.#failed(sent, error);
        over();
      },
      complete: over,
    });
  }

  /** A fanout is as many sends as it has recipients, or one that went nowhere. */
  fanout(sent: Sent, outcome$: Observable<Outcome>): void {
    const end = this.#send(sent.what);
    let recipients = 0;
    outcome$.subscribe({
      next: (outcome) => {
        recipients += 1;
        if (outcome.ok) this.#confirm(sent, outcome.server);
        else this.#failed(sent, outcome.error);
      },
      error: (error: unknown) => {
        this.#failed(sent, error);
        end();
      },
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
    const { clock, arrivals } = this.#parts;
    const answer = (job: Job): Observable<string> =>
      defer(() => {
        const work = `${server} works on ${String(job.token)}`;
        this.working.add(work);
        return timer(job.ms, clock).pipe(
          map(() => server),
          finalize(() => this.working.delete(work)),
        );
      });
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
      note: (job, context) => {
        this.#start(server, job, context, false);
        arrivals.settled(context.id);
      },
      sure: watched(answer),
      surely: watched(answer, true),
      relay: watched((job) =>
        defer(() => {
          this.#sends += 1;
          // Or those who wait for each other's wires would do so for as long as the first one has time.
          return this.client.slow({ ...job, lane: '' }, { timeoutMs: 200 });
        }).pipe(finalize(() => (this.#ends += 1))),
      ),
    };
  }

  /** Tells of what is wrong now that all that was sent should have ended. */
  account(): void {
    const { ledger } = this.#parts;
    const counted = [...this.node.counters()]
      .filter(([name]) => name.startsWith('requests.'))
      .reduce((sum, [, total]) => sum + total, 0);
    for (const what of this.#open.values()) ledger.breach('a send has not ended', `${this.host}: ${what}`);
    if (this.#sends !== this.#ends) {
      ledger.breach('sends and ends differ', `${this.host}: ${String(this.#sends)} and ${String(this.#ends)}`);
    }
    if (this.#sends !== counted) {
      ledger.breach('sends are counted wrong', `${this.host}: ${String(this.#sends)} as ${String(counted)}`);
    }
  }

  #send(what: string): () => void {
    this.#sends += 1;
    const id = (this.#lastId += 1);
    this.#open.set(id, what);
    return () => {
      this.#ends += 1;
      if (!this.#open.delete(id)) this.#parts.ledger.breach('a send has ended twice', `${this.host}: ${what}`);
    };
  }

  #failed(sent: Sent | undefined, error: unknown): void {
    if (!isSkeinError(error)) {
      this.#parts.ledger.breach(
        'a send failed in no way that there is',
        `${this.host}: ${sent?.what ?? 'a cast'}: ${String(error)}`,
      );
      return;
    }
    if (error.code === 'closed' && error.ran === 'unknown') this.cutOff += 1;
    this.#parts.failed(sent, error);
  }

  #confirm({ what, token }: Sent, server: string): void {
    if (this.#parts.watch.isTaken(token, server)) return;
    this.#parts.ledger.breach('a cast is said to be accepted by who has not taken it', `${this.host}: ${what}, ${server}`);
  }

  #start(server: string, { lane, number, token }: Job, { id, deadline }: HandlerContext, isRepeatable: boolean): void {
    const { arrivals, ledger, clock, watch } = this.#parts;
    const why = clock.now() < deadline ? arrivals.start(id) : 'after the deadline that it sees';
    if (why !== undefined) ledger.breach(`a request is started ${why}`, `${server}: ${id}`);
    if (ledger.started.has(id) && !isRepeatable) ledger.breach('a request is started again', `${server}: ${id}`);
    ledger.started.add(id);
    // What was refused comes again behind what was sent meanwhile.
    if (lane === '' || watch.refusals(token) > 0) return;
    const before = this.#lanes.get(lane) ?? 0;
    if (number <= before) {
      ledger.breach('requests are started out of order', `${server}: ${String(number)} of ${lane} behind ${String(before)}`);
    }
    this.#lanes.set(lane, number);
  }
}
