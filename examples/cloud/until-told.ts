import { endWith, fromEvent, ignoreElements, merge, take } from 'rxjs';
import type { Node } from 'skein';

/**
 * Runs on until it is told to end: by a signal, by the end of the process that started it, however that came, or by having been
 * drained from elsewhere, which closes the node.
 */
export const untilTold = async ({ name, peers$ }: Pick<Node, 'name' | 'peers$'>): Promise<void> => {
  console.log(`${name} is ready`);
  process.send?.('ready');
  const closed$ = peers$.pipe(ignoreElements(), endWith(undefined));
  const told$ = merge(fromEvent(process, 'SIGTERM'), fromEvent(process, 'SIGINT'), fromEvent(process, 'disconnect'), closed$);
  await told$.pipe(take(1)).forEach(() => undefined);
  if (process.connected) process.disconnect();
};
