import { Observable } from 'rxjs';
import type { Enter } from './current.js';

/** What the source tells, as a process hears it. */
export const entered = <T>(source$: Observable<T>, enter: Enter): Observable<T> =>
  new Observable((subscriber) =>
    source$.subscribe({
      next: (value) => {
        enter(() => {
          subscriber.next(value);
        });
      },
      error: (error: unknown) => {
        enter(() => {
          subscriber.error(error);
        });
      },
      complete: () => {
        enter(() => {
          subscriber.complete();
        });
      },
    }),
  );
