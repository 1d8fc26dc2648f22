import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import type { Subscriber } from 'rxjs';
import { limits } from '../../core/limits.js';
import { SkeinError } from '../../core/errors.js';
import type { Listening, Wire } from '../../ports/network.js';
import type { Endpoint } from '../wires/endpoint.js';
import { bindError, WireNetwork, type WirePorts } from '../wires/wire-network.js';
import { Connection } from './connection.js';
import { acceptReading, connectReading } from './read.js';
import { Refusals } from './refusals.js';

export interface ZmtpOptions {
  /** A larger message is refused here, and ends the wire where it comes from a peer; 80 MiB by default. */
  readonly messageBytesMax?: number;
  /** How long a wire may take to open, in ms; 3,000 by default. */
  readonly openMs?: number;
  /** How long what was sent may still take to leave after a wire was closed, in ms; 2,000 by default. */
  readonly lingerMs?: number;
  /** Where the sockets of `ipc://NAME` are. */
  readonly ipcDirectory: string;
}

const defaults = { messageBytesMax: limits.messageBytesMax, openMs: 3_000, lingerMs: 2_000 } as const;

/** Bytes that are taken before the kernel takes them: a few batches, or a part of something large. */
const highWaterMark = 256 * 1024;

/** When TCP itself asks a silent peer whether it is there, in ms. */
const keepAliveMs = 2_000;

/** Peers that have connected to one listener and not said what they are; one more is turned away. */
const strangersMax = 1_024;

/** Wires over sockets of Node's, spoken as ZeroMQ speaks (ZMTP 3.1, without security), by `tcp://HOST:PORT` and `ipc://NAME`. */
export class ZmtpNetwork extends WireNetwork {
  readonly #settings: Required<Omit<ZmtpOptions, 'ipcDirectory'>>;
  readonly #refusals: Refusals;
  /** How many connections and listeners are open. */
  open = 0;

  constructor({ ipcDirectory, ...settings }: ZmtpOptions, ports: WirePorts) {
    super(ipcDirectory, ports);
    this.#settings = { ...defaults, ...settings };
    this.#refusals = new Refusals(ports.clock, ports.logger);
  }

  protected override openDial(address: string, at: Endpoint, subscriber: Subscriber<Wire>): void {
    const { clock } = this.ports;
    const fail = (reason: string): void => {
      subscriber.error(new SkeinError('undeliverable', { reason: `${address}: ${reason}` }));
    };
    const { openMs } = this.#settings;
    let connection: Connection | undefined;
    const socket = connectReading({ ...placeOf(at), highWaterMark }, () => connection);
    const timeout = clock.schedule(() => {
      fail(`no answer within ${String(openMs)} ms`);
    }, openMs);
    const onFailed = ({ message }: Error): void => {
      fail(message);
    };
    subscriber.add(() => {
      timeout.unsubscribe();
      if (socket.connecting) socket.destroy();
    });
    socket.once('error', onFailed);
    socket.once('connect', () => {
      timeout.unsubscribe();
      socket.off('error', onFailed);
      let isOpen = false;
      const opened = (connection = this.#connection(socket, 'DEALER', address, {
        onOpen: (wire) => {
          isOpen = true;
          subscriber.next(wire);
        },
        onGone: (reason = 'who listens there left') => {
          if (isOpen) subscriber.complete();
          else fail(reason);
        },
      }));
      subscriber.add(() => {
        opened.leave();
      });
    });
  }

  protected override openListener(at: Endpoint, subscriber: Subscriber<Listening | Wire>): void {
    const server = createServer({ noDelay: true, highWaterMark, pauseOnConnect: true });
    const connections = new Set<Connection>();
    let [strangers, count] = [0, 0];
    let address = '';
    server.on('connection', (accepted) => {
      count += 1;
      const peer = `${address}#${String(count)}`;
      if (strangers >= strangersMax) {
        this.#refusals.tell(peer, `${String(strangersMax)} others have not said yet what they are`);
        accepted.destroy();
        return;
      }
      strangers += 1;
      let isStranger = true;
      const isKnown = (): void => {
        if (isStranger) strangers -= 1;
        isStranger = false;
      };
      let connection: Connection | undefined = undefined;
      const socket = acceptReading(accepted, highWaterMark, () => connection);
      const made = (connection = this.#connection(socket, 'ROUTER', peer, {
        onOpen: (wire) => {
          isKnown();
          subscriber.next(wire);
        },
        onGone: () => {
          isKnown();
          connections.delete(made);
        },
      }));
      connections.add(made);
    });
    server.once('error', (cause: NodeJS.ErrnoException) => {
      subscriber.error(bindError(at.endpoint, cause));
    });
    server.listen(placeOf(at) as ListenOptions, () => {
      this.open += 1;
      address = addressOf(server, at);
      subscriber.add(() => {
        this.open -= 1;
        server.close();
        for (const connection of connections) connection.leave();
      });
      if (!subscriber.closed) subscriber.next({ listening: address });
    });
    subscriber.add(() => {
      if (!server.listening) server.close();
    });
  }

  #connection(
    socket: Socket,
    type: 'DEALER' | 'ROUTER',
    peer: string,
    { onOpen, onGone }: { readonly onOpen: (wire: Wire) => void; readonly onGone: (reason: string | undefined) => void },
  ): Connection {
    const { clock, logger } = this.ports;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    this.open += 1;
    let wasOpen = false;
    return new Connection(socket, {
      type,
      peer,
      clock,
      ...this.#settings,
      onOpen: (wire) => {
        wasOpen = true;
        onOpen(wire);
      },
      onRefused: (reason) => {
        // Who dials is told of it otherwise until then.
        if (wasOpen || type === 'ROUTER') this.#refusals.tell(peer, reason);
      },
      onGone: (reason) => {
        this.open -= 1;
        if (wasOpen && reason !== undefined) logger.debug('a wire broke', { peer, reason });
        onGone(reason);
      },
    });
  }
}

type Place = { readonly path: string } | { readonly host: string; readonly port: number };

/** As Node's sockets take it. */
const placeOf = ({ endpoint, path }: Endpoint): Place => {
  if (path !== undefined) return { path };
  const [, host = '', port = ''] = /^tcp:\/\/(.*):(\d+|\*)$/.exec(endpoint) ?? [];
  return { host: host === '*' ? '0.0.0.0' : host.replace(/^\[|\]$/g, ''), port: port === '*' ? 0 : Number(port) };
};

const addressOf = (server: Server, { endpoint }: Endpoint): string => {
  const at = server.address();
  if (at === null || typeof at === 'string') return endpoint;
  return `tcp://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${String(at.port)}`;
};
