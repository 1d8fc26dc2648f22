import { filter, firstValueFrom, map, takeWhile, toArray } from 'rxjs';
import { isSkeinError, type Node, type SkeinError } from '../lib/index.js';

/** How a request has ended. */
export type Ending = 'ok' | SkeinError;

export const endingOf = (sent: PromiseLike<unknown>): Promise<Ending> =>
  Promise.resolve(sent).then(
    () => 'ok' as const,
    (error: unknown) => {
      if (isSkeinError(error)) return error;
      throw error;
    },
  );

/** When the node takes its one peer for suspect, and for lost, by that clock. */
export const untilLost = (node: Pick<Node, 'peers$'>, now: () => number) =>
  firstValueFrom(
    node.peers$.pipe(
      map(([peer]) => ({ state: peer?.state, at: now() })),
      filter(({ state }) => state === 'suspect' || state === 'lost'),
      takeWhile(({ state }) => state !== 'lost', true),
      toArray(),
    ),
  );
