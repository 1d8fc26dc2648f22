import { call, contract, typed } from 'skein';

// The life of one contract. Each release of the shop is a process of its own.

/** A price in cents, and the release of the shop that says so. */
export interface Price1 {
  readonly cents: number;
  readonly release: string;
}

const price = call({ input: typed<{ item: string }>(), output: typed<Price1>(), idempotent: true });

/** The first release. */
export const Shop10 = contract('shop', '1.0', { price });

/** A minor version only adds: who knows no more than 1.0 is served as before. */
export const Shop11 = contract('shop', '1.1', {
  price,
  stock: call({ input: typed<{ item: string }>(), output: typed<number>(), idempotent: true }),
});

export interface Price2 {
  readonly amount: { readonly value: string; readonly currency: string };
  readonly release: string;
}

/** A major version may change everything: a price says its currency. */
export const Shop20 = contract('shop', '2.0', {
  price: call({ input: typed<{ item: string }>(), output: typed<Price2>(), idempotent: true }),
});
