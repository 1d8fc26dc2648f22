import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { firstValueFrom, forkJoin, fromEvent, last, map, merge, mergeMap, type Observable, takeWhile, tap } from 'rxjs';
import { createNode } from 'skein';
import { Cluster } from './cluster.js';
import { Api, type Status } from './contracts.js';
import { type Options, readOptions, usage, UsageError } from './options.js';
import { OrderFileError, readOrders } from './orders.js';
import { type Snapshot, watch } from './snapshot.js';
import { summarize } from './summary.js';
import { killOne, rollOne } from './trouble.js';
import { openView, type View } from './view.js';

/** Gives the exit code. */
const main = async (args: readonly string[], signal: AbortSignal): Promise<number> => {
  const options = readOptions(args);
  if (options) return runCloud(options, signal);
  process.stdout.write(usage);
  return 0;
};

/** Its processes meet in a folder that nobody else knows, so that several runs do not mix. The results stay. */
const runCloud = async ({ file, json }: Options, signal: AbortSignal): Promise<number> => {
  const orders = await readOrders(file);
  const folder = await mkdtemp(join(tmpdir(), 'skein-cloud-'));
  const meeting = join(folder, 'meet');
  await mkdir(meeting, { mode: 0o700 });
  try {
    const url = pathToFileURL(meeting).href.replace('file:', 'zmq+local:');
    const { status, seconds, killed } = await carryOut(file, new Cluster(url, folder), url, signal);
    return await summarize({ orders, folder, status, killed, seconds }, json);
  } finally {
    await rm(meeting, { recursive: true, force: true });
  }
};

/** Has the cloud carry out the orders, in spite of all the trouble that is made for it on the way. */
const carryOut = async (file: string, starting: Cluster, url: string, signal: AbortSignal) => {
  await using cluster = starting;
  using view = openView(cluster);
  const events = cluster.event$.subscribe((line) => view.say(line));
  view.say('one api, two schedulers and three computes start');
  const failure$ = merge(cluster.failure$, aborted(signal)).pipe(tap({ error: () => cluster.abandon() }));
  await firstValueFrom(merge(cluster.start(), failure$));
  await using node = await createNode({ url, name: 'main' });
  const startedAt = performance.now();
  await node.client(Api).submit({ file });
  const status = await firstValueFrom(merge(failure$, toTheEnd(watch(node), cluster, view)));
  const seconds = (performance.now() - startedAt) / 1_000;
  events.unsubscribe();
  return { status, seconds, killed: cluster.members.filter(({ state }) => state === 'killed').length };
};

/** The last status, when all orders have ended and all trouble is over. */
const toTheEnd = (snapshot$: Observable<Snapshot>, cluster: Cluster, view: View): Observable<Status> => {
  const say = (line: string): void => view.say(line);
  const ended$ = snapshot$.pipe(
    tap((snapshot) => view.show(snapshot)),
    takeWhile(({ status }) => status.done + status.failed < status.orders, true),
    last(),
  );
  return forkJoin([ended$, killOne(snapshot$, cluster, say), rollOne(snapshot$, cluster, say)]).pipe(
    map(([{ status }]) => status),
  );
};

const aborted = (signal: AbortSignal): Observable<never> =>
  fromEvent(signal, 'abort').pipe(
    mergeMap(() => {
      throw signal.reason as Error;
    }),
  );

const interrupt = new AbortController();
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  // The second time it ends the process as if there was no handler.
  process.once(name, () => {
    process.exitCode = code;
    interrupt.abort(new Error(`stopped by ${name}`));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2), interrupt.signal);
} catch (error) {
  const isUsage = error instanceof UsageError || error instanceof OrderFileError;
  console.error(
    error instanceof UsageError ? `${error.message}\n\n${usage}` : error instanceof Error ? error.message : String(error),
  );
  process.exitCode ??= isUsage ? 2 : 1;
}
