import { resolve } from 'node:path';
import { catchError, defer, EMPTY, type Observable, Subject, tap } from 'rxjs';
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

await using node = await createNode();
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
const work = taken$.pipe(ownContext(), mergeBounded(placedAtOnce, carryOut)).subscribe();

await node.serve(Api, {
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
// Orders that were asked for are finished, and so is their work.
await node.drain();
work.unsubscribe();
