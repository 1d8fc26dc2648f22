import { ContainerModule, type ServiceIdentifier } from 'inversify';
import { MemoryMatchmaker } from '../adapters/matchmaker-memory/memory-matchmaker.js';
import { MemoryNetwork } from '../adapters/memory/memory-network.js';
import { SharingCodec } from '../adapters/memory/sharing-codec.js';
import { MsgpackrCodec } from '../adapters/msgpackr/codec.js';
import { ConsoleLogger, warningsOnly } from '../adapters/system/console-logger.js';
import { CountingMeter } from '../adapters/system/counting-meter.js';
import { defaultDirectory, makePrivate } from '../adapters/system/private-directory.js';
import { SystemClock } from '../adapters/system/system-clock.js';
import { SystemIds } from '../adapters/system/system-ids.js';
import { SystemRandom } from '../adapters/system/system-random.js';
import { SplitNetwork } from '../adapters/wires/split-network.js';
import { ZmtpNetwork } from '../adapters/zmtp/zmtp-network.js';
import { Clock } from '../ports/clock.js';
import { Codec } from '../ports/codec.js';
import { Ids } from '../ports/ids.js';
import { Logger } from '../ports/logger.js';
import { Matchmaker } from '../ports/matchmaker.js';
import { Meter } from '../ports/meter.js';
import { Network } from '../ports/network.js';
import { Random } from '../ports/random.js';
import type { Hub, InProcess } from './hub.js';
import type { Plan } from './options.js';
import type { Override } from './override.js';

/** What every node has, whatever its URL. */
export const systemModule = ({ logger = warningsOnly }: Pick<Plan, 'logger'>): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(Clock)
      .toResolvedValue(() => new SystemClock())
      .inSingletonScope();
    bind(Random)
      .toResolvedValue(() => new SystemRandom())
      .inSingletonScope();
    bind(Ids)
      .toResolvedValue((clock: Clock) => new SystemIds(clock), [Clock])
      .inSingletonScope();
    bind(Logger)
      .toResolvedValue(() => new ConsoleLogger(logger))
      .inSingletonScope();
    bind(Meter)
      .toResolvedValue(() => new CountingMeter())
      .inSingletonScope();
    bind(Codec)
      .toResolvedValue(() => new MsgpackrCodec())
      .inSingletonScope();
  });

/** Native addons are loaded where they are asked for, so that what does not need them does not depend on them. */
const networkModule = (network: Ways['network']): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(Network)
      .toResolvedValue(
        async (clock: Clock, ids: Ids, logger: Logger) => {
          const [options, ports] = [{ ipcDirectory: defaultDirectory() }, { clock, ids, logger, makePrivate }];
          const zmq = async () => (await import('../adapters/zmq/zmq-network.js')).ZmqNetwork.create(options, ports);
          if (network === 'zmq') return zmq();
          const zmtp = new ZmtpNetwork(options, ports);
          return network === 'zmtp' ? zmtp : new SplitNetwork(zmtp, zmq, logger);
        },
        [Clock, Ids, Logger],
      )
      .inSingletonScope();
  });

interface Ways {
  readonly network: 'zmq' | 'zmtp' | undefined;
  readonly leaseMs: number;
}

/** All processes of this user on this host find each other, or those that name the same directory. */
export const localModule = (place: string, { network, leaseMs }: Ways): readonly ContainerModule[] => [
  networkModule(network),
  new ContainerModule(({ bind }) => {
    bind(Matchmaker)
      .toResolvedValue(
        async (clock: Clock, logger: Logger) => {
          const { LocalMatchmaker } = await import('../adapters/local/local-matchmaker.js');
          const directory = place === '' ? defaultDirectory() : place;
          return LocalMatchmaker.open({ directory, leaseMs }, { clock, logger, makePrivate });
        },
        [Clock, Logger],
      )
      .inSingletonScope();
  }),
];

/** The servers stand in a file. */
export const staticModule = (file: string, { network }: Ways): readonly ContainerModule[] => [
  networkModule(network),
  new ContainerModule(({ bind }) => {
    bind(Matchmaker)
      .toResolvedValue(
        async (clock: Clock, logger: Logger) => {
          const { StaticMatchmaker } = await import('../adapters/static/static-matchmaker.js');
          return new StaticMatchmaker({ file }, clock, logger);
        },
        [Clock, Logger],
      )
      .inSingletonScope();
  }),
];

/** All nodes of one hub, within one process. */
export const memoryModule = (hub: Hub, passes: InProcess): readonly ContainerModule[] => [
  new ContainerModule(({ bind, unbind }) => {
    bind(Network)
      .toResolvedValue(() => new MemoryNetwork(hub.fabric))
      .inSingletonScope();
    bind(Matchmaker)
      .toResolvedValue(() => new MemoryMatchmaker(hub.registry))
      .inSingletonScope();
    if (passes === 'copy') return;
    unbind(Codec);
    bind(Codec)
      .toResolvedValue(() => new SharingCodec())
      .inSingletonScope();
  }),
];

/** Puts the user's own in the place of what was bound to their ports. */
export const overridesModule = (overrides: readonly Override[]): ContainerModule =>
  new ContainerModule(({ bind, unbind, isBound }) => {
    for (const { port, dependencies, make } of overrides) {
      const token = port as ServiceIdentifier<object>;
      if (isBound(token)) unbind(token);
      bind(token)
        .toResolvedValue(make as (...made: unknown[]) => object, [...dependencies] as ServiceIdentifier<object>[])
        .inSingletonScope();
    }
  });
