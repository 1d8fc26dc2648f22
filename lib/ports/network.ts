import type { Observable } from 'rxjs';

/** A way to open wires. Addresses are its own, and start with a scheme: `tcp://127.0.0.1:4000`. */
export abstract class Network {
  /**
   * Opens a wire when subscribed and emits it once it is connected; closes it when unsubscribed. Completes when the peer or
   * the connection is gone, and errors with `undeliverable` where it cannot be opened. It never reconnects by itself: another
   * subscription is another wire.
   */
  abstract dial(address: string): Observable<Wire>;

  /**
   * Listens while subscribed: first emits where it can be reached (a port or path that was left open is filled in), then
   * each wire that someone dials. Errors with `invalid-argument` or `undeliverable` where it cannot listen.
   */
  abstract listen(address: string): Observable<Listening | Wire>;
}

/** Where a network listens. */
export interface Listening {
  readonly listening: string;
}

/**
 * A raw duplex to one peer: messages of one or more frames, whole and in order, or not at all. Messages without any byte belong
 * to the network itself, and are not for its users.
 */
export interface Wire {
  /** Who is at the other end, for logs. */
  readonly address: string;
  /** One subscriber, once. Completes when the wire is gone; unsubscribing lets it go. */
  readonly message$: Observable<readonly Uint8Array[]>;
  /**
   * Sends the message when subscribed and completes when it is taken, which may be long after where the peer reads slowly.
   * One at a time. The frames belong to the wire from then on. Errors where the wire is gone.
   */
  send(frames: readonly Uint8Array[]): Observable<never>;
}
