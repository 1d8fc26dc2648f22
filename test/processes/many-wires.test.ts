import { firstValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { SystemIds } from '../../lib/adapters/system/system-ids.js';
import { ZmtpNetwork } from '../../lib/adapters/zmtp/zmtp-network.js';
import { opened, type Opened } from '../adapters/opened.js';
import { RecordingLogger } from '../recording-logger.js';
import { cleanUp, kill, privateFolder, start } from './spawn.js';

const clock = new SystemClock();
const ports = { clock, ids: new SystemIds(clock), logger: new RecordingLogger(), makePrivate };

const livePeers = 3_500;
const deadPeers = 500;

/** Each of the peers sends back what it is sent. */
const expectEchoes = async (peers: readonly Opened[]): Promise<void> => {
  const echoes = await Promise.all(
    peers.map(async ({ message$, send }, i) => {
      const back = firstValueFrom(message$);
      await send(Buffer.from(String(i)));
      return Number(Buffer.from((await back)[0] ?? []).toString());
    }),
  );
  expect(echoes).toEqual(peers.map((_, i) => i));
};

describe.each([
  { anywhere: 'ipc://*', stuck: deadPeers },
  // The kernel takes megabytes for each of these before it holds anyone back.
  { anywhere: 'tcp://127.0.0.1:*', stuck: 5 },
])('a listener on $anywhere that speaks ZMTP', ({ anywhere, stuck }) => {
  let network: ZmtpNetwork;
  const peers: Opened[] = [];
  let hasMore: () => void = () => undefined;

  const peersAre = async (count: number): Promise<void> => {
    while (peers.length < count) await new Promise<void>((resolve) => (hasMore = resolve));
  };
  const listen = (): Promise<string> =>
    new Promise((resolve) => {
      network.listen(anywhere).subscribe((value) => {
        if ('listening' in value) resolve(value.listening);
        else peers.push(opened(value));
        hasMore();
      });
    });

  beforeEach(() => {
    network = new ZmtpNetwork({ ipcDirectory: privateFolder() }, ports);
  });
  afterEach(async () => {
    network.close();
    peers.length = 0;
    await cleanUp();
  });

  it('serves thousands, whatever becomes of hundreds that stand still and then die', async () => {
    const address = await listen();
    const dying = await start('wires.ts', [address, String(deadPeers)]);
    await peersAre(deadPeers);
    const dead = peers.slice();
    const dialling = await start('wires.ts', [address, String(livePeers)]);
    await peersAre(deadPeers + livePeers);
    const live = peers.slice(deadPeers);
    await expectEchoes(peers);
    expect(network.open).toBe(deadPeers + livePeers + 1);

    dying.kill('SIGSTOP');
    // More than the kernel takes for one who does not read: the bytes are there once, and wait here.
    const much = Buffer.alloc(16 * 1024 ** 2);
    const sendings = dead.slice(0, stuck).map(({ send }) =>
      send(much).then(
        () => 'taken',
        (error: unknown) => (error as { code?: unknown }).code,
      ),
    );
    await expectEchoes(live);
    expect(await Promise.race([...sendings, Promise.resolve('waits')])).toBe('waits');

    await kill(dying);
    await Promise.all(dead.map(({ gone }) => gone));
    expect(new Set(await Promise.all(sendings))).toEqual(new Set(['undeliverable']));
    await expectEchoes(live);
    expect(network.open).toBe(livePeers + 1);

    await kill(dialling);
    await Promise.all(live.map(({ gone }) => gone));
    expect(network.open).toBe(1);
  }, 120_000);
});
