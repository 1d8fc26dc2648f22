import { fuzz } from './zmtp-fuzz.js';

/** A million strangers, each lot by a seed of its own; fails where one of them does harm, or memory grows from lot to lot. */
const lots = 20;
const each = 50_000;
const growthMax = 64 * 2 ** 20;

let atFirst = 0;
for (let seed = 1; seed <= lots; seed += 1) {
  const { refused, messages } = fuzz(seed, each);
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const used = heapUsed + external;
  if (seed === 1) atFirst = used;
  console.log(
    `seed ${String(seed)}: ${String(refused)} of ${String(each)} refused, ${String(messages)} messages, ${String(Math.round(used / 2 ** 20))} MiB`,
  );
  if (used > atFirst + growthMax) throw new Error('memory grows');
}
