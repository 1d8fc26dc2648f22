import { firstValueFrom } from 'rxjs';
import { LocalMatchmaker } from '../../lib/adapters/local/local-matchmaker.js';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import type { Registration } from '../../lib/ports/matchmaker.js';

/** What a writer is told to do, as JSON in its one argument. */
export interface WriterTask {
  readonly directory: string;
  /** What it lists: all of it for good, or with `churnSeed` each on and off, in random order. */
  readonly registrations: readonly Registration[];
  readonly churnSeed?: number;
}

/** What it says: whom it found listed at the start, then how many times it has listed something. It ends when told anything. */
export type WriterNews = { readonly found: readonly Registration[] } | { readonly listings: number };

const { directory, registrations, churnSeed } = JSON.parse(process.argv[2] ?? '') as WriterTask;
const leaseMs = registrations[0]?.leaseMs;
const ports = { clock: new SystemClock(), logger: new ConsoleLogger(), makePrivate };
const node = LocalMatchmaker.open({ directory, leaseMs }, ports);
const tell = (news: WriterNews): void => void process.send?.(news);

const listed = new Map<Registration, () => void>();
let listings = 0;
let isStopping = false;

/** Resolves when it is listed, and says so each time. */
const list = (registration: Registration): Promise<void> =>
  new Promise((resolve, reject) => {
    const subscription = node.register(registration).subscribe({
      next: () => {
        listings += 1;
        tell({ listings });
        resolve();
      },
      error: reject,
    });
    listed.set(registration, () => {
      subscription.unsubscribe();
      listed.delete(registration);
    });
  });

const stopped = new Promise<void>((resolve) => {
  process.once('message', () => {
    isStopping = true;
    resolve();
  });
});

const [first = { exchange: '', topic: '' }] = registrations;
tell({ found: await firstValueFrom(node.watch(first)) });
if (churnSeed === undefined) {
  await Promise.all(registrations.map(list));
  await stopped;
}
const random = new SeededRandom(churnSeed ?? 0);
while (!isStopping) {
  const registration = registrations[Math.floor(random.next() * registrations.length)] as Registration;
  const unlist = listed.get(registration);
  if (unlist) unlist();
  else await list(registration);
  await new Promise(setImmediate);
}
for (const unlist of [...listed.values()]) unlist();
