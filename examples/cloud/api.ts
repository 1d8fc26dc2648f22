import { resolve } from 'node:path';
import { catchError, defer, EMPTY, firstValueFrom, from, lastValueFrom, type Observable, race, Subject, tap, timer } from 'rxjs';
import { createNode, mergeBounded } from 'skein';
import { Api, Scheduler } from './contracts.js';
import { type Booked, OrderBook } from './order-book.js';
import { readOrders } from './orders.js';
import { ownContext } from './own-context.js';
import { project } from './project.js';
import { untilTold } from './until-told.js';

/** Orders that schedulers have at once; the others wait here, in order. */
const placedAtOnce = 12;

/** Times that an order goes to another scheduler where one was lost with it. */
const retries = 3;

/** How long orders that were taken may take to be finished when this process is told to end, in ms. */
const finishMs = 25_000;

// A signal ends it below, in its own order: a node that drains would place no order that waits here. So no one else may drain it.
await using node = await createNode({ handleSignals: false, remoteDrain: false });
/** Whichever has the least to do. */
const scheduler = node.client(Scheduler, { retries });

const taken$ = new Subject<Booked>();
const book = new OrderBook((booked) => taken$.next(booked));

/** An order's end, good or bad, stands in the book; the stream of all orders goes on. */
const carryOut = (booked: Booked): Observable<unknown> =>
  defer(() => {
    book.start(booked);
    return scheduler.place(booked.order);
  }).pipe(
    tap((result) => book.done(booked, result)),
    catchError((error: unknown) => {
      book.failed(booked, error);
      return EMPTY;
    }),
  );

// Orders outlive the requests that brought them.
const carriedOut = lastValueFrom(taken$.pipe(ownContext(), mergeBounded(placedAtOnce, carryOut)), { defaultValue: undefined });

const served = await node.serve(Api, {
  order: (order) => book.order(order),
  submit: async ({ file }) => {
    const orders = await readOrders(resolve(project, file));
    for (const order of orders) void book.order(order);
    return { orders: orders.length };
  },
  status: () => book.status(),
  list: ({ state }) => [...book.list(state)],
  placed: (placed) => book.placed(placed),
});

await untilTold(node);
const finishBy = performance.now() + finishMs;
const leftMs = (): number => Math.max(0, finishBy - performance.now());
const failedBefore = new Set(book.list('failed').map(({ id }) => id));
// First no more orders come, and those that someone waits for are finished; then those that only a file named.
await served.drain({ timeoutMs: finishMs });
taken$.complete();
await firstValueFrom(race(from(carriedOut), timer(leftMs())));
// What schedulers have by now is finished too.
await node.drain({ timeoutMs: leftMs() });
const lost = book.list(undefined).filter(({ id, state }) => state !== 'done' && !failedBefore.has(id));
if (lost.length > 0) {
  console.error(`${String(lost.length)} orders have no result: ${lost.map(({ id }) => id).join(', ')}`);
  process.exitCode = 1;
}
