import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { filter, firstValueFrom, map, ReplaySubject, share, shareReplay, skip } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { SystemIds } from '../../lib/adapters/system/system-ids.js';
import { ZmtpNetwork } from '../../lib/adapters/zmtp/zmtp-network.js';
import type { Listening, Wire } from '../../lib/ports/network.js';
import { describeWith, python } from '../needs.js';
import { RecordingLogger } from '../recording-logger.js';
import { start, startBuilt, stop } from '../run.js';
import { opened, type Opened } from './opened.js';

const clock = new SystemClock();
const ports = { clock, ids: new SystemIds(clock), logger: new RecordingLogger(), makePrivate };

const here = import.meta.dirname;
type Role = 'listens' | 'dials';
type Start = (role: Role, address: string) => ReturnType<typeof start>;

/** Programs by ZeroMQ's library that send back what they get. */
const peers: readonly (readonly [need: 'zeromq' | 'python3-zmq', start: Start])[] = [
  ['zeromq', (...args) => startBuilt(['test/adapters/interop-peer.ts', ...args])],
  ['python3-zmq', (...args) => start(python, [join(here, 'interop-peer.py'), ...args])],
];

const messages: readonly (readonly Buffer[])[] = [
  ...[1, 254, 255, 256, 65_535, 65_536, 1024 ** 2].map((bytes) => [randomBytes(bytes)]),
  [Buffer.from('first'), Buffer.alloc(0), randomBytes(300), Buffer.alloc(0)],
];
const large = [randomBytes(64 * 1024 ** 2)];

/** Sends each message, and expects it back as it was. */
const expectEchoes = async ({ message$, send }: Opened, ...more: typeof messages): Promise<void> => {
  for (const message of [...messages, ...more]) {
    const back = firstValueFrom(message$);
    await send(...message.map((frame) => Buffer.from(frame)));
    const frames = await back;
    expect(frames.map((frame, i) => message[i]?.equals(frame))).toEqual(message.map(() => true));
  }
};

for (const [need, startPeer] of peers) {
  describeWith(need, `ZMTP in TypeScript, and ZeroMQ's library by ${need},`, () => {
    describe.each(['tcp', 'ipc'])('over %s', (scheme) => {
      let folder: string;
      let network: ZmtpNetwork;
      const children: ReturnType<typeof start>[] = [];

      /** Starts the other program; answers with where it listens, too. */
      const startOther = async (role: Role, address: string) => {
        const child = startPeer(role, address);
        children.push(child);
        child.stderr.pipe(process.stderr);
        const [said] = (await once(createInterface(child.stdout), 'line')) as [string];
        return { child, address: said };
      };

      /** Listens, and passes on who dials; answers with where. */
      const listen = async (address: string) => {
        const wire$ = new ReplaySubject<Opened>(10);
        const listening$ = network.listen(address).pipe(share());
        listening$
          .pipe(
            filter((value): value is Wire => 'message$' in value),
            map(opened),
          )
          .subscribe(wire$);
        const first = (await firstValueFrom(listening$)) as Listening;
        const nth = (n: number): Promise<Opened> => firstValueFrom(wire$.pipe(skip(n - 1)));
        return { address: first.listening, nth };
      };

      const dial = async (address: string): Promise<Opened> =>
        firstValueFrom(network.dial(address).pipe(map(opened), shareReplay({ bufferSize: 1, refCount: false })));

      beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), 'skein-test-'));
        network = new ZmtpNetwork({ ipcDirectory: folder }, ports);
      });
      afterEach(async () => {
        network.close();
        await Promise.all(children.splice(0).map(stop));
        rmSync(folder, { recursive: true });
      });
      const anywhere = (): string => (scheme === 'tcp' ? 'tcp://127.0.0.1:*' : `ipc://${folder}/socket`);

      it('talk where the library dials, also after either was started anew', async () => {
        const { address, nth } = await listen(anywhere());
        const { child } = await startOther('dials', address);
        const first = await nth(1);
        await expectEchoes(first, large);
        await stop(child);
        await first.gone;
        await startOther('dials', address);
        const second = await nth(2);
        await expectEchoes(second);
        network.close();
        await second.gone;
        network = new ZmtpNetwork({ ipcDirectory: folder }, ports);
        // The library dials again by itself.
        const again = await listen(address);
        await expectEchoes(await again.nth(1));
      });

      it('talk where the library listens, also after either was started anew', async () => {
        const { child, address } = await startOther('listens', anywhere());
        const first = await dial(address);
        await expectEchoes(first, large);
        await stop(child);
        await first.gone;
        await startOther('listens', address);
        const second = await dial(address);
        await expectEchoes(second);
        network.close();
        await second.gone;
        network = new ZmtpNetwork({ ipcDirectory: folder }, ports);
        await expectEchoes(await dial(address));
      });
    });
  });
}
