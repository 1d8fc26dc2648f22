import type { Context, Dealer, Router } from 'zeromq';
import type { Zeromq } from './load-zeromq.js';
import type { ZmqSettings } from './options.js';

/** A wire takes three: its own, and the two through which ZeroMQ tells of its events. */
const socketsMax = 16_384;

/**
 * The time after which ZeroMQ would connect again, in ms: days, while a wire is closed within the moment in which its loss is
 * noticed. It is not switched off (-1), since ZeroMQ then throws away what it had received and nobody had read yet.
 */
const neverMs = 500_000_000;

/**
 * How TCP itself notices that a peer is gone without a word: after so many silent s it asks, as often and in such steps. ZeroMQ's
 * own heartbeats would do so too, on ipc as well, but they end the whole process (libzmq 4.3.5 asserts `!_io_error`) where they meet
 * a lost connection whose messages nobody has read yet. Links have heartbeats of their own.
 */
const keepalive = { idleS: 2, intervalS: 2, count: 3 } as const;

/**
 * Makes sockets, and keeps them from the garbage collector while they are open. Options are set one by one after a socket was
 * made, since one that is refused in a constructor crashes the process at its end.
 */
export class Sockets {
  readonly #zeromq: Zeromq;
  readonly #settings: ZmqSettings;
  readonly #open = new Set<Dealer | Router>();
  #context: Context | undefined;

  constructor(zeromq: Zeromq, settings: ZmqSettings) {
    this.#zeromq = zeromq;
    this.#settings = settings;
    this.#context = new zeromq.Context();
    // Before the first socket, or they have no effect.
    this.#context.blocky = false;
    this.#context.maxSockets = socketsMax;
  }

  get size(): number {
    return this.#open.size;
  }

  get isClosed(): boolean {
    return this.#context === undefined;
  }

  /** For one dialled wire; `routingId` must never have been used before. */
  dealer(routingId: string, isIpv6: boolean): Dealer {
    return this.#make(this.#zeromq.Dealer, (socket) => {
      socket.routingId = routingId;
      socket.ipv6 = isIpv6;
      socket.reconnectInterval = neverMs;
      socket.connectTimeout = this.#settings.openMs;
    });
  }

  router(isIpv6: boolean): Router {
    return this.#make(this.#zeromq.Router, (socket) => {
      socket.ipv6 = isIpv6;
      socket.mandatory = true;
      socket.sendTimeout = 0;
    });
  }

  /** What was sent still leaves, unless it has nowhere to go. */
  close(socket: Dealer | Router, lingerMs: number): void {
    if (!this.#open.delete(socket)) return;
    socket.linger = lingerMs;
    socket.close();
  }

  /** Makes no sockets any more; those that it made are their owners' to close. */
  end(): void {
    this.#context = undefined;
  }

  #make<S extends Dealer | Router>(kind: new (options: { context: Context }) => S, configure: (socket: S) => void): S {
    if (this.#context === undefined) throw new Error('the network is closed');
    const socket = new kind({ context: this.#context });
    try {
      const { highWater, messageBytesMax, openMs } = this.#settings;
      socket.sendHighWaterMark = highWater;
      socket.receiveHighWaterMark = highWater;
      socket.maxMessageSize = messageBytesMax;
      socket.handshakeInterval = openMs;
      socket.tcpKeepalive = 1;
      socket.tcpKeepaliveIdle = keepalive.idleS;
      socket.tcpKeepaliveInterval = keepalive.intervalS;
      socket.tcpKeepaliveCount = keepalive.count;
      configure(socket);
    } catch (error) {
      socket.close();
      throw error;
    }
    this.#open.add(socket);
    return socket;
  }
}
