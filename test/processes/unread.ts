import { concat, defer, EMPTY, mergeMap, type Observable, repeat, tap } from 'rxjs';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { defaultDirectory, makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { SystemIds } from '../../lib/adapters/system/system-ids.js';
import { ZmqNetwork } from '../../lib/adapters/zmq/zmq-network.js';
import type { Wire } from '../../lib/index.js';

/** A process that sends for ever, to the address that it is given, or one that listens and stands still at the first message. */
const [address] = process.argv.slice(2);
const clock = new SystemClock();
const ports = { clock, ids: new SystemIds(clock), logger: new ConsoleLogger(), makePrivate };
const network = await ZmqNetwork.create({ ipcDirectory: defaultDirectory() }, ports);
const standStillMs = 5_000;

const standStill = (): void => {
  console.log('stands still');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, standStillMs);
  console.log('goes on');
};

const readSlowly = (wire: Wire): Observable<unknown> => {
  let read = 0;
  return wire.message$.pipe(
    tap({
      next: () => {
        read += 1;
        if (read === 1) standStill();
      },
      complete: () => {
        console.log('the wire ended');
        network.close();
        process.exit(0);
      },
    }),
  );
};

const sendForEver = (wire: Wire): Observable<unknown> => {
  let heldBack: NodeJS.Timeout | undefined;
  const attend = defer(() => {
    clearTimeout(heldBack);
    heldBack = setTimeout(() => console.log('held back'), 300);
    return EMPTY;
  });
  return concat(
    attend,
    defer(() => wire.send([Buffer.alloc(1_000)])),
  ).pipe(repeat());
};

const listen = (): Observable<unknown> =>
  network.listen('tcp://127.0.0.1:*').pipe(
    mergeMap((event) => {
      if (!('listening' in event)) return readSlowly(event);
      console.log(event.listening);
      return EMPTY;
    }),
  );

(address === undefined ? listen() : network.dial(address).pipe(mergeMap(sendForEver))).subscribe();
