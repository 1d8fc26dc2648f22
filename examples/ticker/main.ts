import { setTimeout as sleep } from 'node:timers/promises';
import { interval, map, type Observable, share, take } from 'rxjs';
import { bounded, contract, createNode, stream } from 'skein';

interface Price {
  readonly tick: number;
  readonly cents: number;
}

/** Prices as they change; who is late gets the newest, and none that is old by then. */
const Market = contract('market', '1.0', { prices: stream<undefined, Price>() });

const ticks = 60;
const price$: Observable<Price> = interval(5).pipe(
  take(ticks),
  map((tick) => ({ tick, cents: 10_000 + ((tick * 7_919) % 100) })),
  // It runs once, for all that follow it, from the first one on.
  share(),
);

await using server = await createNode('zmq+memory://ticker');
await server.serve(Market, { prices: () => bounded(price$, { overflow: 'latest' }) });

await using client = await createNode('zmq+memory://ticker');
const market = client.client(Market);

/** Follows the prices, and takes so long for each. */
const follow = async (ms: number): Promise<readonly Price[]> => {
  const seen: Price[] = [];
  // One ahead, so that none is old before it is looked at.
  for await (const price of market.prices(undefined, { credit: 1 })) {
    seen.push(price);
    if (ms > 0) await sleep(ms);
  }
  return seen;
};

const [fast, slow] = await Promise.all([follow(0), follow(50)]);
const isRising = slow.every(({ tick }, i) => i === 0 || tick > (slow[i - 1]?.tick ?? 0));
console.log(`who is fast saw ${fast.length > ticks / 2 ? 'most' : 'few'} prices`);
console.log(`who is slow saw ${slow.length < ticks / 2 ? 'few' : 'most'} of them, ${isRising ? 'in order' : 'out of order'}`);
console.log(`both ended with the last one: ${String(fast.at(-1)?.tick === ticks - 1 && slow.at(-1)?.tick === ticks - 1)}`);
