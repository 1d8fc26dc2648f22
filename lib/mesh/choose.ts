import type { Random } from '../ports/random.js';
import type { Balance } from '../ports/transport.js';
import type { Route } from './route.js';

/**
 * One of the routes, preferring those whose link is neither silent nor down. `least-loaded` compares two taken by chance, which
 * spreads load nearly as well as comparing all (M. Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 2001);
 * `round-robin` takes the one whose turn it is.
 */
export const choose = (routes: readonly Route[], balance: Balance, turn: number, random: Random): Route | undefined => {
  if (routes.length < 2) return routes[0];
  const first = balance === 'round-robin' ? routes[turn % routes.length] : lighterOfTwo(routes, random);
  if (first?.isUsable === true) return first;
  const usable = routes.filter(({ isUsable }) => isUsable);
  if (usable.length === 0) return first;
  return balance === 'round-robin'
    ? usable[turn % usable.length]
    : usable.length === 1
      ? usable[0]
      : lighterOfTwo(usable, random);
};

const lighterOfTwo = (routes: readonly Route[], random: Random): Route => {
  const i = Math.floor(random.next() * routes.length);
  const other = (i + 1 + Math.floor(random.next() * (routes.length - 1))) % routes.length;
  const [a, b] = [routes[i] as Route, routes[other] as Route];
  if (a.isUsable !== b.isUsable) return a.isUsable ? a : b;
  return b.load < a.load ? b : a;
};
