import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { catchError, concatMap, defer, Observable, retry, throwError, timer } from 'rxjs';
import { z } from 'zod';
import { type Order, type Result, resultSchema } from './contracts.js';
import { project } from './project.js';

const runner = fileURLToPath(new URL('runner.js', import.meta.url));

/** Where instances run, for whom, and where they leave what they find. */
export interface Host {
  readonly compute: string;
  readonly results: string;
}

/** The instance's result once it has ended; whoever unsubscribes before ends it. One that is done is not started again. */
export const instance = (order: Order, host: Host): Observable<Result> =>
  defer(() => committed(order, host)).pipe(
    catchError((error: unknown) => {
      if (!isMissing(error)) throw error;
      return started(order, host).pipe(concatMap(() => awaited(order, host)));
    }),
  );

/** Whoever started the order anew elsewhere is to commit it, for as long as it is wanted here. */
const awaited = (order: Order, host: Host): Observable<Result> =>
  defer(() => committed(order, host)).pipe(
    retry({ delay: (error: unknown) => (isMissing(error) ? timer(lookMs) : throwError(() => error)) }),
  );

const lookMs = 200;

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** What was committed is the truth, whoever did it. */
const committed = async ({ id, command }: Order, { results }: Host): Promise<Result> => {
  const text = await readFile(join(results, 'results', `${id}.json`), 'utf8');
  const { command: done, ...result } = committedSchema.parse(JSON.parse(text));
  if (!isDeepStrictEqual(done, command)) throw new Error(`${id} was done already, with another command`);
  return result;
};

const committedSchema = resultSchema.extend({ command: z.array(z.string()) });

/** A child process whose end is told by its pipe to here, even if this process is killed. Emits once it has committed, or has found
 * that someone else is to. */
const started = (order: Order, { compute, results }: Host): Observable<'ended'> =>
  new Observable((subscriber) => {
    const startedAt = String(process.hrtime.bigint());
    const child = spawn(process.execPath, [runner, results, compute, startedAt, JSON.stringify(order)], {
      cwd: project,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.once('error', (error) => subscriber.error(error));
    text(child.stdout).then(
      (said) => {
        if (said === '') subscriber.error(new Error(`the instance of ${order.id} ended before its command did`));
        else subscriber.next('ended');
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
    return () => child.stdin.destroy();
  });
