import { catchError, EMPTY, exhaustMap, forkJoin, map, type Observable, share, timer } from 'rxjs';
import type { Node } from 'skein';
import { Api, type Entry, type Report, Scheduler, type Status } from './contracts.js';

import { isLoss } from './losses.js';

const everyMs = 200;

/** What the cloud says of itself. */
export interface Snapshot {
  readonly status: Status;
  readonly running: readonly Entry[];
  readonly reports: readonly Report[];
}

/** Asks the api and a scheduler again and again; a question that is lost with who was asked is asked anew. */
export const watch = (node: Node): Observable<Snapshot> => {
  const [api, scheduler] = [node.client(Api), node.client(Scheduler)];
  const asked$ = forkJoin([api.status(), api.list({ state: 'running' }), scheduler.computes()]);
  return timer(0, everyMs).pipe(
    exhaustMap(() => asked$.pipe(catchError(ignoreLosses))),
    map(([status, running, reports]) => ({ status, running, reports })),
    share(),
  );
};

const ignoreLosses = (error: unknown): Observable<never> => {
  if (isLoss(error)) return EMPTY;
  throw error;
};
