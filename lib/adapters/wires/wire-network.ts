import { Observable, type Subscriber } from 'rxjs';
import { invalidArgument, isSkeinError, SkeinError } from '../../core/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Ids } from '../../ports/ids.js';
import type { Logger } from '../../ports/logger.js';
import { type Listening, Network, type Wire } from '../../ports/network.js';
import type { Endpoint } from './endpoint.js';
import { claimPath, type IpcDirectory, ipcEndpoint, tidyBeside } from './ipc-endpoint.js';
import { tcpEndpoint } from './tcp-endpoint.js';

export interface WirePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Makes the directory of sockets, if there is none, for this user alone; throws `invalid-argument` where others have a hand in it. */
  readonly makePrivate: (directory: string) => void;
}

/** A network by `tcp://HOST:PORT` and `ipc://NAME`, whatever its sockets are: finds the place of an address, and keeps what is open. */
export abstract class WireNetwork extends Network {
  protected readonly ports: WirePorts;
  readonly #ipcDirectory: IpcDirectory;
  readonly #closers = new Set<() => void>();
  #isClosed = false;

  /** `ipcDirectory` is where the sockets of `ipc://NAME` are. */
  constructor(ipcDirectory: string, ports: WirePorts) {
    super();
    this.ports = ports;
    this.#ipcDirectory = { path: ipcDirectory, makePrivate: ports.makePrivate };
  }

  override dial(address: string): Observable<Wire> {
    return this.#opening(address, 'dial', (at, subscriber) => {
      this.openDial(address, at, subscriber);
    });
  }

  override listen(address: string): Observable<Listening | Wire> {
    return this.#opening(address, 'listen', (at, subscriber) => {
      this.openListener(at, subscriber);
    });
  }

  /** Closes all that is open: wires complete, listeners too, and what was sent still leaves for some time. */
  close(): void {
    this.#isClosed = true;
    for (const close of [...this.#closers]) close();
  }

  protected abstract openDial(address: string, at: Endpoint, subscriber: Subscriber<Wire>): void;

  protected abstract openListener(at: Endpoint, subscriber: Subscriber<Listening | Wire>): void;

  /** Settles once addresses of its own that were let go can be listened on again. */
  protected get released(): Promise<unknown> {
    return Promise.resolve();
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
          if (this.#isClosed) throw new SkeinError('closed', { what: 'the network' });
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
      if (purpose === 'listen') await this.released;
      return at;
    }
    if (!address.startsWith('ipc://')) throw invalidArgument(`"${address}" must start with tcp:// or ipc://`);
    if (purpose === 'dial') return ipcEndpoint(address, this.#ipcDirectory);
    const { clock, ids } = this.ports;
    if (address !== 'ipc://*') {
      const at = ipcEndpoint(address, this.#ipcDirectory);
      await claimPath(at.path);
      return at;
    }
    const at = ipcEndpoint(`ipc://${ids.next()}`, this.#ipcDirectory);
    await tidyBeside(at.path, clock.now());
    return at;
  }
}

const openError = (address: string, cause: unknown): SkeinError<'undeliverable'> => {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SkeinError('undeliverable', { reason: `${address} cannot be opened: ${why}` }, { cause });
};

/** Why an address cannot be listened on. */
export const bindError = (endpoint: string, cause: NodeJS.ErrnoException): SkeinError => {
  if (cause.code === 'EADDRINUSE') {
    return new SkeinError('undeliverable', { reason: `${endpoint} is taken: someone listens there` }, { cause });
  }
  if (cause.code === 'EINVAL') return invalidArgument(`"${endpoint}" cannot be listened on`);
  return new SkeinError('undeliverable', { reason: `${endpoint} cannot be listened on: ${cause.message}` }, { cause });
};
