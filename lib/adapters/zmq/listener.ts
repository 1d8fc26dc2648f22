import type { Subscriber } from 'rxjs';
import type { EventType, Router } from 'zeromq';
import { SkeinError } from '../../core/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import type { Listening, Wire } from '../../ports/network.js';
import { bindError } from '../wires/wire-network.js';
import { Census } from './census.js';
import { collectEarly } from '../wires/collect-early.js';
import type { Endpoint } from '../wires/endpoint.js';
import { fileMark, removeFile } from '../wires/ipc-endpoint.js';
import type { Frames } from '../wires/marks.js';
import type { ZmqSettings } from './options.js';
import { ServedWire } from './served-wire.js';
import { SocketEvents } from './socket-events.js';

/** The event that tells of it takes about 1 ms, and may be lost. */
const releaseMsMax = 100;

export interface ListenerOptions {
  readonly socket: Router;
  readonly at: Endpoint;
  readonly settings: ZmqSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly subscriber: Subscriber<Listening | Wire>;
}

/** One listening socket and the wires that are dialled to it, kept apart by their routing ids. */
export class Listener {
  /** Settles once the address is free again, as far as ZeroMQ says so in time. */
  readonly released: Promise<void>;
  readonly events: SocketEvents;
  readonly #options: ListenerOptions;
  readonly #wires = new Map<string, ServedWire>();
  readonly #census: Census;
  #address = '';
  #fileMark: number | undefined;
  #isClosed = false;
  #release: () => void = () => undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { socket, clock } = options;
    this.#census = new Census({
      clock,
      wires: () => this.#wires.values(),
      post: (wire, frames) => this.#post(wire.id, frames),
      hasUnread: () => socket.readable,
      onGone: (wire) => {
        this.#wires.delete(keyOf(wire.id));
        wire.end();
      },
    });
    this.released = new Promise((resolve) => {
      this.#release = resolve;
    });
    this.events = new SocketEvents(socket.events, (type) => {
      this.#onEvent(type);
    });
  }

  listen(): void {
    const { socket, at, subscriber } = this.#options;
    try {
      // Quick, since the host's name is resolved; until the other kind of binding is through, a socket cannot be closed.
      socket.bindSync(at.endpoint);
    } catch (error) {
      subscriber.error(bindError(at.endpoint, error as NodeJS.ErrnoException));
      return;
    }
    if (at.path !== undefined) this.#fileMark = fileMark(at.path);
    this.#address = socket.lastEndpoint ?? at.endpoint;
    subscriber.next({ listening: this.#address });
    void this.#receive();
  }

  /** All its wires end; the socket is its owner's to close. */
  close(): void {
    this.#isClosed = true;
    const given = this.#options.clock.schedule(this.#release, releaseMsMax);
    void this.released.then(() => {
      given.unsubscribe();
    });
    this.#census.stop();
    const { path } = this.#options.at;
    if (path !== undefined) removeFile(path, this.#fileMark);
    for (const wire of this.#wires.values()) wire.end();
    this.#wires.clear();
  }

  #onEvent(type: EventType): void {
    if (type === 'disconnect') this.#census.onLost();
    else if (type === 'close' && this.#isClosed) this.#release();
  }

  async #receive(): Promise<void> {
    const { socket } = this.#options;
    try {
      while (!this.#isClosed) this.#dispatch(await socket.receive());
    } catch (cause) {
      if (this.#isClosed) return;
      const reason = `${this.#address} cannot be listened on any more`;
      this.#options.subscriber.error(new SkeinError('undeliverable', { reason }, { cause }));
    }
  }

  #dispatch(message: Buffer[]): void {
    collectEarly(message);
    const id = message.shift();
    if (id === undefined) return;
    const key = keyOf(id);
    const known = this.#wires.get(key);
    if (known !== undefined) known.take(message);
    else this.#open(id, key, message);
  }

  #open(id: Buffer, key: string, first: Frames): void {
    const { clock, logger, settings, subscriber } = this.#options;
    const peer = `${this.#address}#${/^[\x21-\x7e]+$/.test(key) ? key : id.toString('hex')}`;
    const served = new ServedWire({
      id,
      highWater: settings.highWater,
      outlet: {
        clock,
        peer,
        messageBytesMax: settings.messageBytesMax,
        post: (frames) => this.#post(id, frames),
        onUnreachable: () => {
          this.#census.onLost();
        },
      },
      onOverflow: () => {
        logger.warn('a wire was let go: its messages came, and nobody subscribed to them', { peer });
      },
    });
    this.#wires.set(key, served);
    subscriber.next(served.wire);
    served.take(first);
  }

  #post(id: Uint8Array, frames: Frames): Promise<void> {
    return this.#options.socket.send([id, ...frames]);
  }
}

/** A routing id as a Map knows it: each byte a character. */
const keyOf = (id: Buffer): string => id.toString('latin1');
