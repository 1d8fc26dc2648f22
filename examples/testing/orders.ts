import { setTimeout as sleep } from 'node:timers/promises';
import { call, contract, type Handlers, type Node } from 'skein';

export const Orders = contract('orders', '1.0', {
  place: call<{ readonly item: string }, string>({ idempotent: true }),
});

/** Packing takes a second. */
export const handlers = (name: string): Handlers<typeof Orders> => ({
  place: ({ item }, { signal }) => sleep(1_000, `${item} from ${name}`, { signal }),
});

export const serveOrders = (node: Node) => node.serve(Orders, handlers(node.name));
