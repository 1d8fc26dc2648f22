import { catchError, defer, map, type Observable, of, repeat } from 'rxjs';

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
    map(({ release }) => ({ customer: name, release })),
    catchError((error: unknown) => of({ customer: name, release: '', problem: String(error) })),
    repeat({ delay: pauseMs }),
  );
