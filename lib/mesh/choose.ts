import { mix32 } from '../core/hash.js';
import type { Random } from '../ports/random.js';
import type { Balance } from '../ports/transport.js';
import type { Route } from './route.js';

/**
 * One of the routes, preferring those whose link is neither silent nor down and whose server is not ejected. `least-loaded` compares
 * two taken by chance, which spreads load nearly as well as comparing all (M. Mitzenmacher, The Power of Two Choices in Randomized
 * Load Balancing, 2001); `round-robin` takes the one whose turn it is. For `hash` see {@link chooseByHash}.
 */
export const choose = (
  routes: readonly Route[],
  balance: Exclude<Balance, 'hash'>,
  turn: number,
  random: Random,
): Route | undefined => {
  if (routes.length < 2) return routes[0];
  const pick = (from: readonly Route[]): Route | undefined =>
    balance === 'round-robin' ? from[turn % from.length] : from.length === 1 ? from[0] : lighterOfTwo(from, random);
  const first = pick(routes);
  if (first?.isFit === true) return first;
  const usable = routes.filter(({ isUsable }) => isUsable);
  if (usable.length === 0) return first;
  const fit = usable.filter(({ isFit }) => isFit);
  // Where links went down since, more than half of the others may be ejected: then none of them is.
  return pick(fit.length * 2 < usable.length ? usable : fit);
};

const lighterOfTwo = (routes: readonly Route[], random: Random): Route => {
  const i = Math.floor(random.next() * routes.length);
  const other = (i + 1 + Math.floor(random.next() * (routes.length - 1))) % routes.length;
  const [a, b] = [routes[i] as Route, routes[other] as Route];
  if (a.isFit !== b.isFit) return a.isFit ? a : b;
  const [lighter, heavier] = b.load < a.load ? [b, a] : [a, b];
  heavier.passOver();
  return lighter;
};

/**
 * The route whose server has the highest weight with the key (rendezvous or highest random weight hashing: D. Thaler, C. Ravishankar,
 * Using Name-Based Mappings to Increase Hit Rates, 1998), with the same preference. So all nodes choose the same server for a key; when
 * one leaves, its keys go to all others alike, and no other key moves.
 */
export const chooseByHash = (routes: readonly Route[], keyHash: number): Route | undefined => {
  let best: Route | undefined;
  let bestRank = -1;
  let bestWeight = -1;
  for (const route of routes) {
    const rank = route.isFit ? 2 : route.isUsable ? 1 : 0;
    const weight = mix32(keyHash ^ route.hash);
    if (rank < bestRank || (rank === bestRank && !isHeavier(route, weight, best, bestWeight))) continue;
    best = route;
    bestRank = rank;
    bestWeight = weight;
  }
  return best;
};

/** Of two servers whose names have one hash, the one by the lesser name. */
const isHeavier = (route: Route, weight: number, best: Route | undefined, bestWeight: number): boolean =>
  weight > bestWeight || (weight === bestWeight && best !== undefined && route.server < best.server);
