import { createHash } from 'node:crypto';
import { catchError, lastValueFrom, map, type Observable, of, range, retry, timer, toArray } from 'rxjs';
import { createNode, mergeBounded } from 'skein';
import { type Picture, Thumbnailer } from './contract.js';
import { flakyThumbnailer, type Observed } from './flaky-thumbnailer.js';
import { paint } from './pictures.js';

/** Requests under way at once. */
const concurrency = 4;
const timeoutMs = 250;
const retries = 3;

/** 20, 40, 80 ms. */
const backoffMs = (attempt: number): number => 10 * 2 ** attempt;

/** What the service logs of its failures is not what this is about. */
const quiet = { ...console, error: () => undefined };

const observed: Observed = { requests: 0, mostAtOnce: 0 };
await using node = await createNode('zmq+memory://pipeline', { logger: quiet });
await node.serve(Thumbnailer, flakyThumbnailer(observed));
const thumbnailer = node.client(Thumbnailer, { timeoutMs });

/** A picture and its thumbnail's digest, or what kept it from being made. */
type Outcome = { readonly number: number } & ({ readonly digest: string } | { readonly problem: string });

const thumbnail = ({ number, dots }: Picture): Observable<Outcome> =>
  thumbnailer.shrink({ number, dots }).pipe(
    // Each of these is a request of its own, with its own deadline.
    retry({ count: retries, delay: (_, attempt) => timer(backoffMs(attempt)) }),
    map((small) => ({ number, digest: createHash('sha256').update(small).digest('hex') })),
    catchError((error: unknown) => of({ number, problem: String(error) })),
  );

const outcome$ = range(1, 40).pipe(map(paint), mergeBounded(concurrency, thumbnail));

const outcomes = await lastValueFrom(outcome$.pipe(toArray()));
outcomes.sort((a, b) => a.number - b.number);
const made = outcomes.flatMap((outcome) => ('digest' in outcome ? [outcome.digest] : []));
const all = createHash('sha256').update(made.join('\n')).digest('hex');

console.log(`${String(made.length)} of ${String(outcomes.length)} thumbnails made: ${all.slice(0, 16)}`);
console.log(`${String(observed.requests)} requests, at most ${String(observed.mostAtOnce)} at once`);
for (const outcome of outcomes) {
  if ('problem' in outcome) console.log(`picture ${String(outcome.number)} given up: ${outcome.problem}`);
}
