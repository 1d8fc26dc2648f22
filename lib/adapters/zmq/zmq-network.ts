import { Observable, type Subscriber } from 'rxjs';
import { invalidArgument, isSkeinError, SkeinError } from '../../core/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Ids } from '../../ports/ids.js';
import type { Logger } from '../../ports/logger.js';
import { type Listening, Network, type Wire } from '../../ports/network.js';
import { DialledWire } from './dialled-wire.js';
import type { Endpoint } from '../wires/endpoint.js';
import { claimPath, type IpcDirectory, ipcEndpoint, tidyBeside } from '../wires/ipc-endpoint.js';
import { Listener } from './listener.js';
import { loadZeromq } from './load-zeromq.js';
import { zmqDefaults, type ZmqOptions, type ZmqSettings } from './options.js';
import { Sockets } from './sockets.js';
import { tcpEndpoint } from '../wires/tcp-endpoint.js';

export interface ZmqPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Makes the directory of sockets, if there is none, for this user alone; throws `invalid-argument` where others have a hand in it. */
  readonly makePrivate: (directory: string) => void;
}

/**
 * Wires over ZeroMQ, by `tcp://HOST:PORT` and `ipc://NAME`. Who dials has a socket for each wire, with a routing id that is
 * never used again; who listens has one for all of them. A listener hears of a wire with its first message, to which it is
 * to subscribe at once: if 100 came and nobody has, the wire is let go. A peer that is gone without a word (its machine, or
 * the way to it) is noticed by TCP after some 8 s, or later where something was on its way to it. What a sender was told is taken may still be lost with the wire.
 */
export class ZmqNetwork extends Network {
  readonly #sockets: Sockets;
  readonly #settings: ZmqSettings;
  readonly #ipcDirectory: IpcDirectory;
  readonly #ports: ZmqPorts;
  /** Addresses of our own that are not free yet, though their listeners were closed. */
  readonly #releasing = new Set<Promise<void>>();
  readonly #closers = new Set<() => void>();

  private constructor(sockets: Sockets, settings: ZmqSettings, ipcDirectory: string, ports: ZmqPorts) {
    super();
    this.#sockets = sockets;
    this.#settings = settings;
    this.#ipcDirectory = { path: ipcDirectory, makePrivate: ports.makePrivate };
    this.#ports = ports;
  }

  /** A network of its own; rejects with `invalid-argument` in a worker thread, or where the package is missing. */
  static async create({ ipcDirectory, ...settings }: ZmqOptions, ports: ZmqPorts): Promise<ZmqNetwork> {
    const all = { ...zmqDefaults, ...settings };
    return new ZmqNetwork(new Sockets(await loadZeromq(), all), all, ipcDirectory, ports);
  }

  /** How many sockets are open: one for each wire that was dialled, and for each listener. */
  get open(): number {
    return this.#sockets.size;
  }

  override dial(address: string): Observable<Wire> {
    return this.#opening(address, 'dial', (at, subscriber) => {
      this.#dial(address, at, subscriber);
    });
  }

  override listen(address: string): Observable<Listening | Wire> {
    return this.#opening(address, 'listen', (at, subscriber) => {
      this.#listen(at, subscriber);
    });
  }

  /** Closes all that is open: wires complete, listeners too, and what was sent still leaves for up to `lingerMs`. */
  close(): void {
    for (const close of [...this.#closers]) close();
    this.#sockets.end();
  }

  #opening<T>(
    address: string,
    purpose: 'dial' | 'listen',
    open: (at: Endpoint, subscriber: Subscriber<T>) => void,
  ): Observable<T> {
    return new Observable((subscriber) => {
      const complete = (): void => {
        subscriber.complete();
      };
      this.#closers.add(complete);
      subscriber.add(() => this.#closers.delete(complete));
      this.#resolve(address, purpose)
        .then((at) => {
          if (this.#sockets.isClosed) throw new SkeinError('closed', { what: 'the network' });
          if (!subscriber.closed) open(at, subscriber);
        })
        .catch((error: unknown) => {
          subscriber.error(isSkeinError(error) ? error : openError(address, error));
        });
    });
  }

  async #resolve(address: string, purpose: 'dial' | 'listen'): Promise<Endpoint> {
    if (address.startsWith('tcp://')) {
      const at = await tcpEndpoint(address, purpose);
      if (purpose === 'listen') await Promise.all(this.#releasing);
      return at;
    }
    if (!address.startsWith('ipc://')) throw invalidArgument(`"${address}" must start with tcp:// or ipc://`);
    if (purpose === 'dial') return ipcEndpoint(address, this.#ipcDirectory);
    const { clock, ids } = this.#ports;
    if (address !== 'ipc://*') {
      const at = ipcEndpoint(address, this.#ipcDirectory);
      await claimPath(at.path);
      return at;
    }
    const at = ipcEndpoint(`ipc://${ids.next()}`, this.#ipcDirectory);
    await tidyBeside(at.path, clock.now());
    return at;
  }

  #dial(address: string, at: Endpoint, subscriber: Subscriber<Wire>): void {
    const { clock, ids } = this.#ports;
    const fail = (reason: string): void => {
      subscriber.error(new SkeinError('undeliverable', { reason: `${address}: ${reason}` }));
    };
    const socket = this.#sockets.dealer(ids.next(), at.isIpv6);
    const { openMs, messageBytesMax } = this.#settings;
    const timeout = clock.schedule(() => {
      fail(`no answer within ${String(openMs)} ms`);
    }, openMs);
    const dialled = new DialledWire({
      socket,
      address,
      messageBytesMax,
      clock,
      onOpened: (wire) => {
        timeout.unsubscribe();
        subscriber.next(wire);
      },
      onFailed: fail,
      onGone: () => {
        subscriber.complete();
      },
    });
    subscriber.add(timeout);
    subscriber.add(() => {
      const lingerMs = dialled.hasLost ? 0 : this.#settings.lingerMs;
      this.#sockets.close(socket, lingerMs);
      dialled.events.release(clock, lingerMs);
      dialled.end();
    });
    socket.connect(at.endpoint);
  }

  #listen(at: Endpoint, subscriber: Subscriber<Listening | Wire>): void {
    const { clock, logger } = this.#ports;
    const socket = this.#sockets.router(at.isIpv6);
    const listener = new Listener({ socket, at, settings: this.#settings, clock, logger, subscriber });
    subscriber.add(() => {
      const { lingerMs } = this.#settings;
      this.#sockets.close(socket, lingerMs);
      listener.events.release(clock, lingerMs);
      listener.close();
      this.#releasing.add(listener.released);
      void listener.released.then(() => this.#releasing.delete(listener.released));
    });
    listener.listen();
  }
}

const openError = (address: string, cause: unknown): SkeinError<'undeliverable'> => {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SkeinError('undeliverable', { reason: `${address} cannot be opened: ${why}` }, { cause });
};
