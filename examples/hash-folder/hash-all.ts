import { resolve } from 'node:path';
import {
  catchError,
  concat,
  from,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  retry,
  take,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { isSkeinError, type Node } from 'skein';
import { aborted } from './aborted.js';
import { type Hashed, Hasher } from './contract.js';
import { whatWentWrong } from './problem.js';
import type { Progress } from './progress.js';
import { join } from './walk.js';
import type { Workers } from './workers.js';

/** A file and what became of it. */
export type Outcome = { readonly path: Buffer } & Hashed;

export interface Helpers {
  readonly node: Node;
  readonly workers: Workers;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Requests under way at once, over all workers. */
const concurrency = 16;

/** Times that a file is given to another worker where one was lost on it. */
const retries = 3;

/** Has the workers hash all files, in whatever order; rejects where they all ended, or the signal said to stop. */
export const hashAll = (files: readonly Buffer[], { node, workers, progress, signal }: Helpers): Promise<readonly Outcome[]> => {
  const worker = node.client(Hasher);
  const outcome$ = from(files).pipe(
    mergeMap(
      (path) =>
        worker.hash(absolute(path)).pipe(
          retry({ count: retries, delay: onlyLosses }),
          map((hashed): Outcome => ({ path, ...hashed })),
          catchError((error: unknown) => of<Outcome>({ path, problem: whatWentWrong(error) })),
        ),
      concurrency,
    ),
    tap((outcome) => {
      progress.add('bytes' in outcome ? outcome.bytes : 0);
    }),
  );
  return lastValueFrom(merge(from(aborted(signal)), allEnded$(workers), outcome$).pipe(take(files.length), toArray()));
};

const here = Buffer.from(resolve());

/** Workers need not know from where the path leads. */
const absolute = (path: Buffer): Buffer => (path.toString('latin1', 0, 1) === '/' ? path : join(here, path));

/** The worker may be gone, but the file is still there; hashing it twice does no harm. */
const onlyLosses = (error: unknown): Observable<unknown> =>
  isSkeinError(error, 'link-lost', 'peer-silent', 'undeliverable', 'closed') ? of(error) : throwError(() => error);

const allEnded$ = ({ ended$ }: Workers): Observable<never> =>
  concat(
    ended$.pipe(ignoreElements()),
    throwError(() => new Error('all workers ended before the work was done')),
  );
