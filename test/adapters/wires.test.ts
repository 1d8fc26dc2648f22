import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { SystemIds } from '../../lib/adapters/system/system-ids.js';
import { ZmqNetwork } from '../../lib/adapters/zmq/zmq-network.js';
import { ZmtpNetwork } from '../../lib/adapters/zmtp/zmtp-network.js';
import { networkContract } from '../contracts/network.js';
import { describeWith } from '../needs.js';

const clock = new SystemClock();
const ports = { clock, ids: new SystemIds(clock), logger: new ConsoleLogger(), makePrivate };

type Make = (ipcDirectory: string) => Promise<ZmqNetwork | ZmtpNetwork>;

const zmtp: Make = (ipcDirectory) => Promise.resolve(new ZmtpNetwork({ ipcDirectory }, ports));
const zmq: Make = (ipcDirectory) => ZmqNetwork.create({ ipcDirectory }, ports);

const contractOf = (name: string, makeListener: Make, makeDialer: Make): void => {
  for (const scheme of ['tcp', 'ipc'] as const) {
    networkContract(`${name} on ${scheme}`, async () => {
      const ipcDirectory = mkdtempSync(join(tmpdir(), 'skein-test-'));
      const [listener, dialer] = [await makeListener(ipcDirectory), await makeDialer(ipcDirectory)];
      return {
        listener,
        dialer,
        anywhere: scheme === 'tcp' ? 'tcp://127.0.0.1:*' : 'ipc://*',
        ...(scheme === 'ipc' && { named: (other: string) => `ipc://${other}` }),
        nowhere: scheme === 'tcp' ? 'tcp://127.0.0.1:1' : 'ipc://nowhere',
        settle: (promise) => promise,
        open: () => listener.open + dialer.open,
        close: () => {
          listener.close();
          dialer.close();
          rmSync(ipcDirectory, { recursive: true });
        },
      };
    });
  }
};

contractOf('zmtp', zmtp, zmtp);
describeWith('zeromq', "ZeroMQ's library", () => {
  contractOf('zmq', zmq, zmq);
  contractOf('zmtp, dialled by zmq,', zmtp, zmq);
  contractOf('zmq, dialled by zmtp,', zmq, zmtp);
});
