import { Observable, type Subscriber } from 'rxjs';
import { invalidArgument } from '../../core/errors.js';
import { Ring } from '../../core/ring.js';
import type { Wire } from '../../ports/network.js';
import { farewell, type Frames } from '../wires/marks.js';
import { type Outlet, sending, sendingMark } from './sending.js';

export interface ServedWireOptions {
  readonly id: Buffer;
  readonly highWater: number;
  readonly outlet: Omit<Outlet, 'isGone'>;
  /** Its messages came faster than they were subscribed to. */
  readonly onOverflow: () => void;
}

/** A wire that someone else dialled: one routing id of a listening socket. */
export class ServedWire {
  readonly wire: Wire;
  readonly id: Buffer;
  readonly #options: ServedWireOptions;
  #mail: Subscriber<Frames> | undefined;
  /** What comes before anyone subscribed. */
  #early: Ring<Frames> | undefined;
  #isGone = false;

  constructor(options: ServedWireOptions) {
    this.id = options.id;
    this.#options = options;
    this.#early = new Ring(options.highWater);
    const outlet = { ...options.outlet, isGone: () => this.#isGone };
    this.wire = {
      address: outlet.peer,
      message$: new Observable((subscriber) => {
        this.#subscribe(subscriber);
      }),
      send: (frames) => sending(outlet, frames),
    };
  }

  /** A message of the peer; after the wire was let go, there is no one to tell. */
  take(frames: Frames): void {
    if (this.#mail !== undefined) this.#mail.next(frames);
    else if (!this.#isGone && this.#early?.push(frames) === false) {
      this.#options.onOverflow();
      this.#leave();
    }
  }

  /** The peer, or the listener, is gone. */
  end(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const mail = this.#mail;
    this.#mail = undefined;
    mail?.complete();
  }

  /** Tells the peer that this end let go, since the connection itself stays up. */
  #leave(): void {
    if (this.#isGone) return;
    this.end();
    this.#early = undefined;
    sendingMark({ ...this.#options.outlet, isGone: () => false }, farewell).subscribe({
      // It is gone: what it was to be told, it knows.
      error: () => undefined,
    });
  }

  #subscribe(subscriber: Subscriber<Frames>): void {
    const early = this.#early;
    if (early === undefined) {
      subscriber.error(invalidArgument('the messages of a wire have one subscriber, once'));
      return;
    }
    this.#early = undefined;
    if (!this.#isGone) {
      this.#mail = subscriber;
      subscriber.add(() => {
        this.#leave();
      });
    }
    for (const frames of early.drain()) subscriber.next(frames);
    if (this.#isGone) subscriber.complete();
  }
}
