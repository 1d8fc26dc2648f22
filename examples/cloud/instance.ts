import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { catchError, concatMap, defer, Observable } from 'rxjs';
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
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      return started(order, host).pipe(concatMap(() => committed(order, host)));
    }),
  );

/** What was committed is the truth, whoever did it. */
const committed = async ({ id }: Order, { results }: Host): Promise<Result> =>
  resultSchema.parse(JSON.parse(await readFile(join(results, 'results', `${id}.json`), 'utf8')));

/** A child process whose end is told by its pipe to here, even if this process is killed. Emits once it has committed. */
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
        else if (said.includes('revoked')) subscriber.error(new Error(`${order.id} was started anew elsewhere`));
        else subscriber.next('ended');
        subscriber.complete();
      },
      (error: unknown) => subscriber.error(error),
    );
    return () => child.stdin.destroy();
  });
