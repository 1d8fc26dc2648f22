import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { filter, firstValueFrom, type Observable, Subject, tap, throwError, timeout } from 'rxjs';
import { createNode } from 'skein';
import { Shop10, Shop20 } from './contracts.js';
import { customer, type Heard } from './customer.js';
import { Fleet } from './fleet.js';

/** How long customers may take to hear from every shop, in ms. */
const patienceMs = 30_000;
/**
 * Each customer comes to the shops in turn, so that it hears from every one. A shop that ends at this moment is no failure: prices may
 * be asked for again.
 */
const options = { balance: 'round-robin', retries: 3 } as const;

const place = await mkdtemp(join(tmpdir(), 'skein-versions-'));
const url = pathToFileURL(place).href.replace('file:', 'zmq+local:');
const problems: string[] = [];

/** Resolves once each customer has heard from every release that can serve it, and says so. */
const settled = async (heard$: Observable<Heard>, { releases }: Fleet): Promise<void> => {
  const running = [...new Set(releases)];
  const has20 = running.includes('2.0');
  const expected = [...running.map((release) => `1.0 by ${release}`), ...(has20 ? ['2.0 by 2.0'] : [])];
  const pairs = new Set<string>();
  const missing = (): readonly string[] => expected.filter((pair) => !pairs.has(pair));
  const tooLong = () => throwError(() => new Error(`nothing was heard of ${missing().join(', nor of ')}`));
  const all$ = heard$.pipe(
    tap(({ customer: who, release }) => pairs.add(`${who} by ${release}`)),
    filter(() => missing().length === 0),
    timeout({ first: patienceMs, with: tooLong }),
  );
  await firstValueFrom(all$);
  const served = [`a customer of 1.0 is served by ${running.join(' and ')}`, ...(has20 ? ['one of 2.0 by 2.0'] : [])];
  console.log(`shops of ${releases.join(' and ')}: ${served.join(', ')}`);
};

const upgrade = async (): Promise<void> => {
  await using fleet = new Fleet(url);
  await fleet.add('1.0');
  await fleet.add('1.0');
  await using oldNode = await createNode(url);
  await using newNode = await createNode(url);
  const old = oldNode.client(Shop10, options);
  const modern = newNode.client(Shop20, options);
  const heard$ = new Subject<Heard>();
  const customers = heard$.subscribe(({ problem }) => problem !== undefined && problems.push(problem));
  const welcome = (customer$: Observable<Heard>): void => customers.add(customer$.subscribe((heard) => heard$.next(heard)));
  try {
    welcome(customer('1.0', () => old.price({ item: 'goose' })));
    await settled(heard$, fleet);
    for (const release of ['1.1', '1.1', '2.0', '2.0']) {
      const isNew = release === '2.0' && !fleet.releases.includes('2.0');
      await fleet.replaceOldest(release);
      if (isNew) welcome(customer('2.0', () => modern.price({ item: 'goose' })));
      await settled(heard$, fleet);
    }
  } finally {
    customers.unsubscribe();
  }
};

try {
  await upgrade();
} finally {
  for (const problem of problems) console.log(problem);
  await rm(place, { recursive: true, force: true });
}
console.log(`${problems.length === 0 ? 'no call' : `${String(problems.length)} calls`} failed`);
process.exitCode = problems.length === 0 ? 0 : 1;
