import { isMainThread } from 'node:worker_threads';
import { invalidArgument, SkeinError } from '../../core/errors.js';

export type Zeromq = typeof import('zeromq');

/** The package, loaded only where this network is used. Errors with `invalid-argument` where it cannot be. */
export const loadZeromq = async (load = (): Promise<Zeromq> => import('zeromq'), isMain = isMainThread): Promise<Zeromq> => {
  if (!isMain) {
    throw invalidArgument('ZeroMQ runs in the main thread only: its sockets end the whole process when a worker thread ends');
  }
  try {
    return await load();
  } catch (cause) {
    const message = 'the package zeromq could not be loaded: install it with "npm install zeromq@6.8.0"';
    throw new SkeinError('invalid-argument', { issues: [{ message }] }, { cause });
  }
};
