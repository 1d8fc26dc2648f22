import { lastValueFrom, merge, Observable, ReplaySubject, take, throwError, timeout, toArray } from 'rxjs';
import { type Failure, SkeinError } from '../core/errors.js';
import { Caster, reportUnsent } from './caster.js';
import type { CastOptions } from './options.js';
import type { CastWatch, Confirmed, Outcome, Receipts } from './receipt.js';
import { agree, asUnsent, onWithdrawn, type Sending, type Terms } from './terms.js';

/** A method that a client fans out: what all its fanouts have in common. With many servers, what is made for each of them counts. */
export class Fanner {
  readonly #sending: Sending;
  readonly #confirm: Confirmed['state'];
  readonly #casters = new Map<string, Caster>();

  constructor(sending: Sending, confirm: Confirmed['state']) {
    this.#sending = sending;
    this.#confirm = confirm;
  }

  /** Casts to every server that the directory lists at this moment, or the one of them that is pinned; one that it lists later is not meant. */
  fanOut(input: unknown, options: CastOptions | undefined): Receipts {
    const receipts = new FanoutReceipts();
    const fail = (thrown: unknown): void => {
      const error = asUnsent(thrown);
      receipts.fail(error);
      reportUnsent(this.#sending, receipts, error);
    };
    try {
      const { codec, meter, ambient } = this.#sending.ports;
      const confirm = options?.confirm ?? this.#confirm;
      const terms = agree(this.#sending, options, confirm === 'done' ? confirm : undefined);
      const bytes = codec.measure(input);
      const kept = codec.keep(input);
      const castTo = (server: string, watch: CastWatch): void => {
        this.#casterOf(server).castAgreed(kept, bytes, terms, confirm, watch);
      };
      serversFor(this.#sending, terms).subscribe({
        next: (all) => {
          const servers = this.#meant(all);
          if (servers.length === 0) meter.counter('fanouts.empty').total += 1;
          // Whoever tells of the servers may not be at work on what this is part of.
          const castToAll = (): void => receipts.follow(servers, castTo);
          if (terms.work) ambient.run(terms.work, castToAll);
          else castToAll();
        },
        error: fail,
      });
    } catch (error) {
      fail(error);
    }
    return receipts;
  }

  /** Forgets those that have gone. */
  #meant(all: readonly string[]): readonly string[] {
    if (this.#casters.size > all.length) {
      const there = new Set(all);
      for (const server of this.#casters.keys()) if (!there.has(server)) this.#casters.delete(server);
    }
    const { pinned } = this.#sending;
    return pinned === undefined ? all : all.filter((server) => server === pinned);
  }

  #casterOf(server: string): Caster {
    const known = this.#casters.get(server);
    if (known) return known;
    const made = new Caster({ ...this.#sending, pinned: server }, this.#confirm);
    this.#casters.set(server, made);
    return made;
  }
}

/** The topic's servers, unless that comes too late, or is no longer wanted. */
const serversFor = ({ operation, ports }: Sending, terms: Terms): Observable<readonly string[]> => {
  const { deadline, timeoutMs } = terms;
  const tooLate = () => throwError(() => new SkeinError('deadline-exceeded', { timeoutMs }, { ran: 'no' }));
  return merge(ports.transport.servers(operation), withdrawn(terms)).pipe(
    timeout({ first: deadline - ports.clock.now(), scheduler: ports.clock, with: tooLate }),
    take(1),
  );
};

/** Errors when the signal aborts, or the work that this is part of. */
const withdrawn = (terms: Terms): Observable<never> =>
  new Observable((subscriber) =>
    onWithdrawn(terms, (reason) => {
      subscriber.error(new SkeinError('cancelled', { reason }, { ran: 'no' }));
    }),
  );

/** What its sender sees of a fanout; who looks at it looks at all its casts. */
class FanoutReceipts implements Receipts {
  readonly #outcome$ = new ReplaySubject<Outcome>(Infinity);
  #open = 0;
  isWatched = false;

  get outcome$(): Observable<Outcome> {
    return new Observable((subscriber) => {
      this.isWatched = true;
      return this.#outcome$.subscribe(subscriber);
    });
  }

  then<A = readonly Outcome[], B = never>(
    fulfilled?: ((outcomes: readonly Outcome[]) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const all = lastValueFrom(this.outcome$.pipe(toArray()), { defaultValue: [] });
    return all.then(fulfilled, rejected);
  }

  fail(error: unknown): void {
    this.#outcome$.error(error);
  }

  /** Casts to each server; the outcomes are those of the casts. */
  follow(servers: readonly string[], castTo: (server: string, watch: CastWatch) => void): void {
    this.#open = servers.length;
    if (servers.length === 0) this.#outcome$.complete();
    for (const server of servers) castTo(server, new Recipient(server, this));
  }

  settle(outcome: Outcome): void {
    this.#open -= 1;
    this.#outcome$.next(outcome);
    if (this.#open === 0) this.#outcome$.complete();
  }
}

/** One of a fanout's casts. */
class Recipient implements CastWatch {
  readonly #server: string;
  readonly #all: FanoutReceipts;
  #last: Confirmed | undefined;

  constructor(server: string, all: FanoutReceipts) {
    this.#server = server;
    this.#all = all;
  }

  get isWatched(): boolean {
    return this.#all.isWatched;
  }

  show(state: Confirmed): void {
    this.#last = state;
  }

  complete(): void {
    this.#all.settle({ server: this.#server, ok: true, value: this.#last as Confirmed });
  }

  fail(error: unknown): void {
    this.#all.settle({ server: this.#server, ok: false, error: error as Failure });
  }
}
