import { lastValueFrom, merge, Observable, ReplaySubject, take, throwError, timeout, toArray } from 'rxjs';
import { type Failure, SkeinError } from '../core/errors.js';
import { snapshot } from '../core/snapshot.js';
import { Caster, reportUnsent } from './caster.js';
import type { CastOptions } from './options.js';
import type { CastReceipt, CastState, Confirmed, Outcome, Receipts } from './receipt.js';
import { agree, asUnsent, onWithdrawn, type Sending, type Terms } from './terms.js';

/** Casts to every server that the directory lists at this moment, or the one of them that is pinned; one that it lists later is not meant. */
export const fanOut = (
  sending: Sending,
  confirm: Confirmed['state'],
  input: unknown,
  options: CastOptions | undefined,
): Receipts => {
  const receipts = new FanoutReceipts();
  const fail = (thrown: unknown): void => {
    const error = asUnsent(thrown);
    receipts.fail(error);
    reportUnsent(sending, receipts, error);
  };
  try {
    const confirmed = options?.confirm ?? confirm;
    // For all of them: with many servers, what is said of each counts.
    const terms = agree(sending, options, confirmed === 'done' ? confirmed : undefined);
    sending.ports.codec.measure(input);
    const payload = snapshot(input);
    const castTo = (server: string): CastReceipt =>
      new Caster({ ...sending, pinned: server }, confirmed).castAgreed(payload, terms);
    serversFor(sending, terms).subscribe({
      next: (all) => {
        const servers = sending.pinned === undefined ? all : all.filter((server) => server === sending.pinned);
        if (servers.length === 0) sending.ports.meter.counter('fanouts.empty').total += 1;
        // Whoever tells of the servers may not be at work on what this is part of.
        const castToAll = (): void => receipts.follow(servers, castTo);
        if (terms.work) sending.ports.ambient.run(terms.work, castToAll);
        else castToAll();
      },
      error: fail,
    });
  } catch (error) {
    fail(error);
  }
  return receipts;
};

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
  #casts: readonly CastReceipt[] = [];
  isWatched = false;

  get outcome$(): Observable<Outcome> {
    return new Observable((subscriber) => {
      this.isWatched = true;
      for (const cast of this.#casts) cast.isWatched = true;
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
  follow(servers: readonly string[], castTo: (server: string) => CastReceipt): void {
    const casts = servers.map((server) => ({ server, receipt: castTo(server) }));
    this.#casts = casts.map(({ receipt }) => receipt);
    for (const cast of this.#casts) cast.isWatched = this.isWatched;
    merge(...casts.map(({ server, receipt }) => outcomeOf(server, receipt))).subscribe(this.#outcome$);
  }
}

const outcomeOf = (server: string, receipt: CastReceipt): Observable<Outcome> =>
  // One operator in the place of three: there are as many of them as servers, for each fanout.
  new Observable((subscriber) => {
    let last: CastState | undefined;
    const end = (outcome: Outcome): void => {
      subscriber.next(outcome);
      subscriber.complete();
    };
    return receipt.quietState$.subscribe({
      next: (state) => (last = state),
      error: (error: unknown) => {
        end({ server, ok: false, error: error as Failure });
      },
      complete: () => {
        end({ server, ok: true, value: last as Confirmed });
      },
    });
  });
