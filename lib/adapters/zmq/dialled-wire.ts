import { Observable, type Subscriber } from 'rxjs';
import type { Dealer, EventType } from 'zeromq';
import { invalidArgument } from '../../core/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Wire } from '../../ports/network.js';
import { collectEarly } from '../wires/collect-early.js';
import { type Frames, readMark } from '../wires/marks.js';
import { type Outlet, sending } from './sending.js';
import { SocketEvents } from './socket-events.js';

export interface DialledWireOptions {
  readonly socket: Dealer;
  readonly address: string;
  readonly messageBytesMax: number;
  readonly clock: Clock;
  readonly onOpened: (wire: Wire) => void;
  /** It could not be opened. */
  readonly onFailed: (reason: string) => void;
  /** It is gone, and all that came before that was read. */
  readonly onGone: () => void;
}

/** A wire on a socket of its own, from its first try to connect until its connection is lost. */
export class DialledWire {
  readonly events: SocketEvents;
  readonly #options: DialledWireOptions;
  readonly #wire: Wire;
  #mail: Subscriber<Frames> | undefined;
  #state: 'opening' | 'open' | 'lost' | 'gone' = 'opening';
  #hasLost = false;

  constructor(options: DialledWireOptions) {
    this.#options = options;
    const { socket, address, messageBytesMax, clock } = options;
    const outlet: Outlet = {
      clock,
      peer: address,
      messageBytesMax,
      // The declared type asks for mutable arrays, which the socket does not need.
      post: (frames) => socket.send(frames as Uint8Array[]),
      isGone: () => this.#state !== 'open',
      onUnreachable: () => undefined,
    };
    this.#wire = {
      address,
      message$: new Observable((subscriber) => {
        this.#subscribe(subscriber);
      }),
      send: (frames) => sending(outlet, frames),
    };
    this.events = new SocketEvents(socket.events, (type) => {
      this.#onEvent(type);
    });
  }

  /** Whether there is no connection: what was sent has nowhere to go. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** Ends it here; the socket is its owner's to close. */
  end(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#mail?.complete();
    this.#options.onGone();
  }

  #onEvent(type: EventType): void {
    if (type === 'handshake') this.#open();
    else if (type === 'close' || type === 'disconnect' || type.startsWith('handshake:error')) this.#lose(type);
  }

  #open(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    this.#options.onOpened(this.#wire);
  }

  #lose(event: string): void {
    this.#hasLost = true;
    if (this.#state === 'opening') {
      this.#state = 'gone';
      this.#options.onFailed(event === 'close' ? 'nobody listens there' : 'who listens there does not speak ZeroMQ, or left');
    } else if (this.#state === 'open') {
      this.#state = 'lost';
      this.#endWhenRead();
    }
  }

  #endWhenRead(): void {
    if (this.#state === 'lost' && (this.#mail === undefined || !this.#options.socket.readable)) this.end();
  }

  #subscribe(subscriber: Subscriber<Frames>): void {
    if (this.#mail !== undefined) {
      subscriber.error(invalidArgument('the messages of a wire have one subscriber, once'));
      return;
    }
    this.#mail = subscriber;
    if (this.#state === 'gone') {
      subscriber.complete();
      return;
    }
    subscriber.add(() => {
      this.end();
    });
    void this.#receive(subscriber);
  }

  async #receive(mail: Subscriber<Frames>): Promise<void> {
    const { socket } = this.#options;
    try {
      while (!mail.closed) {
        const frames = await socket.receive();
        collectEarly(frames);
        const mark = readMark(frames);
        if (mark === undefined) mail.next(frames);
        else if (mark === 'farewell') this.end();
        if (this.#state === 'lost') this.#endWhenRead();
      }
    } catch {
      // The socket was closed.
    }
  }
}
