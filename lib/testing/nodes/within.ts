import { Observable } from 'rxjs';
import type { Node } from '../../node/node.js';
import type { SimProcess } from '../cluster/sim-process.js';
import { runAs } from '../current.js';

/** Runs the work within the process, once that comes to it. */
export const within = <T>(process: SimProcess, work: (node: Node) => Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    process.enter(() => {
      work(process.node).then(resolve, reject);
    });
  });

/** Asked within the process, and told to the scenario outside of it. */
export const asked = <T>(process: SimProcess, ask: (node: Node) => Observable<T>): Observable<T> =>
  new Observable((subscriber) => {
    process.enter(() => {
      if (subscriber.closed) return;
      subscriber.add(
        ask(process.node).subscribe({
          next: (value) => {
            runAs(undefined, () => {
              subscriber.next(value);
            });
          },
          error: (error: unknown) => {
            runAs(undefined, () => {
              subscriber.error(error);
            });
          },
          complete: () => {
            runAs(undefined, () => {
              subscriber.complete();
            });
          },
        }),
      );
    });
  });
