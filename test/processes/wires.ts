import { firstValueFrom, mergeMap, shareReplay } from 'rxjs';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { defaultDirectory, makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { SystemIds } from '../../lib/adapters/system/system-ids.js';
import { ZmtpNetwork } from '../../lib/adapters/zmtp/zmtp-network.js';

/** Dials an address many times, and sends back what it hears: its arguments are the address and how many times. */
const [address = '', count = '1'] = process.argv.slice(2);
const clock = new SystemClock();
const network = new ZmtpNetwork(
  { ipcDirectory: defaultDirectory() },
  { clock, ids: new SystemIds(clock), logger: new ConsoleLogger(), makePrivate },
);

/** So many are dialled at once: more than may wait to be accepted would be turned away. */
const lanes = 64;

let left = Number(count);
const lane = async (): Promise<void> => {
  while (left > 0) {
    left -= 1;
    // It stays open: nobody unsubscribes.
    const wire = await firstValueFrom(network.dial(address).pipe(shareReplay({ bufferSize: 1, refCount: false })));
    wire.message$.pipe(mergeMap((frames) => wire.send(frames))).subscribe({ error: (error: unknown) => console.error(error) });
  }
};

process.once('disconnect', () => process.exit());
await Promise.all(Array.from({ length: lanes }, lane));
process.send?.({ ready: true });
