import { Observable } from 'rxjs';
import type { Outlet } from '../../lib/operators/outlet.js';

/** Emits each time that an outlet tells that it is ready. */
export const readyOf = (outlet: Pick<Outlet<never>, 'watch'>): Observable<'ready'> =>
  new Observable((subscriber) =>
    outlet.watch(() => {
      subscriber.next('ready');
    }),
  );
