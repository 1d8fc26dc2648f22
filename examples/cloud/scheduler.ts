import {
  catchError,
  defer,
  filter,
  finalize,
  map,
  mergeMap,
  type Observable,
  retry,
  startWith,
  Subject,
  take,
  throwError,
  timeout,
} from 'rxjs';
import { createNode } from 'skein';
import { Computes } from './computes.js';
import { Api, Compute, type Order, type Result, Scheduler } from './contracts.js';
import { isLoss, onlyLosses } from './losses.js';
import { ownContext } from './own-context.js';
import { untilTold } from './until-told.js';

/** How long an order waits for a compute that has room. */
const noComputeMs = 10_000;

/** Times that an order goes to another compute where one was lost on it. */
const retries = 3;

await using node = await createNode();
const [api, compute] = [node.client(Api), node.client(Compute)];
const computes = new Computes();
const heard$ = new Subject<void>();

/** The compute to go to, as soon as there is one. */
const chosen$: Observable<string> = heard$.pipe(
  startWith(undefined),
  map(() => computes.choose()),
  filter((name) => name !== undefined),
  take(1),
  timeout({ first: noComputeMs, with: () => throwError(() => new Error('no compute with room has reported')) }),
  ownContext(),
);

/** At the chosen compute, and no other: what it runs it keeps, so that asking it twice is harmless. */
const bootAt = (name: string, order: Order): Observable<Result> =>
  defer(() => {
    computes.took(name);
    // An api that ends hears no more of it, and needs not.
    api.placed({ order: order.id, compute: name, scheduler: node.name }).then(undefined, () => undefined);
    return compute.$on(name).boot(order);
  }).pipe(
    catchError((error: unknown) => {
      if (isLoss(error)) computes.lost(name);
      throw error;
    }),
    finalize(() => computes.gave(name)),
  );

await node.serve(Scheduler, {
  place: (order) =>
    chosen$.pipe(
      mergeMap((name) => bootAt(name, order)),
      retry({ count: retries, delay: onlyLosses }),
    ),
  computes: () => [...computes.reports],
  report: (report) => {
    computes.heard(report);
    heard$.next();
  },
});
// It serves, and so it hears them.
await compute.$fanout.tell(undefined, { confirm: 'done' });

await untilTold(node);
