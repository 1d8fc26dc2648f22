import type { Subscriber } from 'rxjs';
import { SkeinError } from '../../core/errors.js';
import type { Listening, Wire } from '../../ports/network.js';
import type { Endpoint } from '../wires/endpoint.js';
import { WireNetwork, type WirePorts } from '../wires/wire-network.js';
import { DialledWire } from './dialled-wire.js';
import { Listener } from './listener.js';
import { loadZeromq } from './load-zeromq.js';
import { zmqDefaults, type ZmqOptions, type ZmqSettings } from './options.js';
import { Sockets } from './sockets.js';

/**
 * Wires over ZeroMQ, by `tcp://HOST:PORT` and `ipc://NAME`. Who dials has a socket for each wire, with a routing id that is
 * never used again; who listens has one for all of them. A listener hears of a wire with its first message, to which it is
 * to subscribe at once: if 100 came and nobody has, the wire is let go. A peer that is gone without a word (its machine, or
 * the way to it) is noticed by TCP after some 8 s, or later where something was on its way to it. What a sender was told is taken may still be lost with the wire.
 */
export class ZmqNetwork extends WireNetwork {
  readonly #sockets: Sockets;
  readonly #settings: ZmqSettings;
  /** Addresses of our own that are not free yet, though their listeners were closed. */
  readonly #releasing = new Set<Promise<void>>();

  private constructor(sockets: Sockets, settings: ZmqSettings, ipcDirectory: string, ports: WirePorts) {
    super(ipcDirectory, ports);
    this.#sockets = sockets;
    this.#settings = settings;
  }

  /** A network of its own; rejects with `invalid-argument` in a worker thread, or where the package is missing. */
  static async create({ ipcDirectory, ...settings }: ZmqOptions, ports: WirePorts): Promise<ZmqNetwork> {
    const all = { ...zmqDefaults, ...settings };
    return new ZmqNetwork(new Sockets(await loadZeromq(), all), all, ipcDirectory, ports);
  }

  /** How many sockets are open: one for each wire that was dialled, and for each listener. */
  get open(): number {
    return this.#sockets.size;
  }

  override close(): void {
    super.close();
    this.#sockets.end();
  }

  protected override get released(): Promise<unknown> {
    return Promise.all(this.#releasing);
  }

  protected override openDial(address: string, at: Endpoint, subscriber: Subscriber<Wire>): void {
    const { clock, ids } = this.ports;
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

  protected override openListener(at: Endpoint, subscriber: Subscriber<Listening | Wire>): void {
    const { clock, logger } = this.ports;
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
