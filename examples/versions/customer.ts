import { catchError, defer, map, type Observable, of, repeat, retry, throwError } from 'rxjs';
import { isSkeinError } from 'skein';

/** An answer that a customer got, or what it got instead. */
export interface Heard {
  readonly customer: string;
  readonly release: string;
  readonly problem?: string;
}

/** A breath between two calls, in ms. */
const pauseMs = 2;

/** Asks on and on, as one does who knows nothing of upgrades. */
export const customer = (name: string, ask: () => Observable<{ readonly release: string }>): Observable<Heard> =>
  defer(ask).pipe(
    // A shop that ends at this moment is no failure: prices may be asked for again.
    retry({ count: 3, delay: onlyLosses }),
    map(({ release }) => ({ customer: name, release })),
    catchError((error: unknown) => of({ customer: name, release: '', problem: String(error) })),
    repeat({ delay: pauseMs }),
  );

const onlyLosses = (error: unknown): Observable<unknown> =>
  isSkeinError(error, 'closed', 'link-lost', 'undeliverable') ? of(error) : throwError(() => error);
