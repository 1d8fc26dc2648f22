import { endWith, firstValueFrom, fromEvent, ignoreElements, map, merge } from 'rxjs';
import type { Node } from 'skein';

/**
 * Runs on until it is told to end: by a signal, or by having been drained from elsewhere, which closes the node. Where the process that
 * started it ends, however that came, the node is closed with all that it has at work: nobody is left who waits for it.
 */
export const untilTold = async (node: Pick<Node, 'name' | 'peers$' | 'close'>): Promise<void> => {
  console.log(`${node.name} is ready`);
  process.send?.('ready');
  const closed$ = node.peers$.pipe(ignoreElements(), endWith('closed'));
  const signalled$ = merge(fromEvent(process, 'SIGTERM'), fromEvent(process, 'SIGINT')).pipe(map(() => 'told'));
  const alone$ = fromEvent(process, 'disconnect').pipe(map(() => 'alone'));
  if ((await firstValueFrom(merge(signalled$, alone$, closed$))) === 'alone') await node.close();
  else if (process.connected) process.disconnect();
};
