import { networkInterfaces } from 'node:os';
import { firstValueFrom, Observable, of } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { SplitNetwork } from '../../lib/adapters/wires/split-network.js';
import { call, contract, createNode, type Listening, type Wire } from '../../lib/index.js';
import { Network } from '../../lib/ports/network.js';
import { RecordingLogger } from '../recording-logger.js';
import { freePort } from '../bench/free-port.js';
import { cleanUp, privateUrl } from '../processes/spawn.js';

const Echo = contract('echo', '1.0', { echo: call<string, string>() });

/** Listens everywhere at once, and says by its name that it does. */
class Named extends Network {
  readonly name: string;
  isClosed = false;

  constructor(name: string) {
    super();
    this.name = name;
  }

  override dial(): Observable<Wire> {
    return of({ address: this.name, message$: new Observable<never>(), send: () => new Observable<never>() });
  }

  override listen(): Observable<Listening> {
    return of({ listening: this.name });
  }

  close(): void {
    this.isClosed = true;
  }
}

const split = () => {
  const [near, far, logger] = [new Named('near'), new Named('far'), new RecordingLogger()];
  let made = 0;
  const make = (): Promise<Named> => {
    made += 1;
    return Promise.resolve(far);
  };
  return { near, far, network: new SplitNetwork(near, make, logger), made: () => made };
};

const own = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

describe('a network of two', () => {
  it.each<readonly [address: string, dialledBy: string, servedBy: string]>([
    ['ipc://name', 'near', 'near'],
    ['tcp://127.0.0.1:4000', 'near', 'near'],
    ['tcp://127.1.2.3:*', 'near', 'near'],
    ['tcp://localhost:4000', 'near', 'near'],
    ['tcp://[::1]:4000', 'near', 'near'],
    ['tcp://0.0.0.0:4000', 'far', 'far'],
    ['tcp://*:4000', 'far', 'far'],
    ['tcp://192.0.2.1:4000', 'far', 'far'],
    ['tcp://127.0.0.1.example:4000', 'far', 'far'],
    ['tcp://[2001:db8::1]:4000', 'far', 'far'],
    ...(own === undefined ? [] : [[`tcp://${own}:4000`, 'near', 'far'] as const]),
  ])('dials and serves %s by who is %s and %s', async (address, dialledBy, servedBy) => {
    const { network } = split();
    expect((await firstValueFrom(network.dial(address))).address).toBe(dialledBy);
    expect(await firstValueFrom(network.listen(address))).toEqual({ listening: servedBy });
  });

  it('makes the far one when it is needed, and once', async () => {
    const { network, made } = split();
    await firstValueFrom(network.dial('ipc://name'));
    expect(made()).toBe(0);
    await Promise.all([1, 2, 3].map(() => firstValueFrom(network.dial('tcp://192.0.2.1:4000'))));
    expect(made()).toBe(1);
  });

  it('closes both, and makes no far one after that', async () => {
    const used = split();
    await firstValueFrom(used.network.dial('tcp://192.0.2.1:4000'));
    await used.network.close();
    expect([used.near.isClosed, used.far.isClosed]).toEqual([true, true]);
    const unused = split();
    await unused.network.close();
    await firstValueFrom(unused.network.dial('tcp://192.0.2.1:4000'));
    expect([unused.near.isClosed, unused.made()]).toEqual([true, 0]);
  });

  it('does with the near one alone where the far one cannot be made, and says so once', async () => {
    const [near, logger] = [new Named('near'), new RecordingLogger()];
    const network = new SplitNetwork(near, () => Promise.reject(new Error('no addon')), logger);
    for (let i = 0; i < 2; i += 1) {
      expect((await firstValueFrom(network.dial('tcp://192.0.2.1:4000'))).address).toBe('near');
    }
    expect(logger.at('warn')).toEqual(["ZeroMQ's library cannot be used here, so its protocol is spoken without it"]);
    await network.close();
  });
});

describe('a node that listens for other hosts', () => {
  afterEach(cleanUp);

  it("serves by ZeroMQ's library who dials it on its own host without", async () => {
    const url = privateUrl();
    const port = String(await freePort());
    await using server = await createNode(url, {
      insecure: true,
      bind: `tcp://0.0.0.0:${port}`,
      advertise: `tcp://127.0.0.1:${port}`,
    });
    await server.serve(Echo, { echo: (input) => input });
    await using client = await createNode(url);
    expect(await client.client(Echo).echo('there and back')).toBe('there and back');
  });
});
