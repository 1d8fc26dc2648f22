import { fromEvent, merge, take } from 'rxjs';

/** Runs on until it is told to end: by a signal, or by the end of the process that started it, however that came. */
export const untilTold = async (name: string): Promise<void> => {
  console.log(`${name} is ready`);
  process.send?.('ready');
  const told$ = merge(fromEvent(process, 'SIGTERM'), fromEvent(process, 'SIGINT'), fromEvent(process, 'disconnect'));
  await told$.pipe(take(1)).forEach(() => undefined);
  if (process.connected) process.disconnect();
};
