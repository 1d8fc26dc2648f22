import { mkdir } from 'node:fs/promises';
import { exhaustMap, interval } from 'rxjs';
import { createNode } from 'skein';
import { Compute, Scheduler } from './contracts.js';
import { readHost } from './host.js';
import { type Host, instance } from './instance.js';
import { Instances } from './instances.js';
import { resultsFolder } from './results.js';
import { untilTold } from './until-told.js';

/** Instances that run at once; what is more waits. */
const capacity = 4;
const reportEveryMs = 1_000;

// Where to meet and what to be called stand in the environment: SKEIN_URL and SKEIN_NAME.
await using node = await createNode();
const host: Host = { compute: node.name, results: resultsFolder() };
await mkdir(host.results, { recursive: true, mode: 0o700 });

const instances = new Instances(capacity, (order) => instance(order, host));
const state = () => readHost(host, instances, capacity);

// What one scheduler did not hear it hears with the next report.
const scheduler = node.client(Scheduler, { timeoutMs: reportEveryMs });
const report = async (): Promise<void> => {
  await scheduler.$fanout.report(await state()).then(undefined, () => undefined);
};

await node.serve(Compute, {
  boot: (order) => instances.boot(order),
  state,
  tell: report,
});

await report();
const reports = interval(reportEveryMs).pipe(exhaustMap(report)).subscribe();

await untilTold(node);
reports.unsubscribe();
