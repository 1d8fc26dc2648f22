import { Observable, type Subscriber } from 'rxjs';
import { invalidArgument } from '../../core/errors.js';
import type { Wire } from '../../ports/network.js';
import type { Frames, Pipe, Receiver, Signal } from './pipe.js';

/** The two directions of a connection, as one end of it sees them. */
export interface Pipes {
  readonly incoming: Pipe;
  readonly outgoing: Pipe;
}

export interface EndHooks {
  /** A signal of the other end that is not the last one. */
  onSignal(signal: Signal): void;
  /** Called once, before the first message is handed over. */
  onFirstMessage(): void;
  /** This end was let go, here or by the other end. */
  onGone(): void;
}

/** One end of a connection. */
export class End implements Receiver {
  readonly wire: Wire;
  readonly #peer: string;
  readonly #pipes: () => Pipes;
  readonly #hooks: EndHooks;
  #mail: Subscriber<Frames> | undefined;
  #isFirst = true;
  #isTaken = false;
  #isGone = false;

  constructor(peer: string, pipes: () => Pipes, hooks: EndHooks) {
    this.#peer = peer;
    this.#pipes = pipes;
    this.#hooks = hooks;
    this.wire = {
      address: peer,
      message$: new Observable((subscriber) => {
        this.#read(subscriber);
      }),
      send: (frames) => this.#pipes().outgoing.send(frames, peer),
    };
  }

  get isReading(): boolean {
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#hooks.onFirstMessage();
    }
    return this.#mail !== undefined;
  }

  takeMessage(frames: Frames): void {
    this.#mail?.next(frames);
  }

  takeSignal(signal: Signal): void {
    if (signal !== 'close') {
      this.#hooks.onSignal(signal);
      return;
    }
    this.#pipes().outgoing.drop(this.#peer);
    this.#leave();
  }

  /** Lets the connection go: what was sent still arrives, and then the other end completes. */
  close(): void {
    if (this.#isGone) return;
    this.#pipes().incoming.drop(this.#peer);
    this.#pipes().outgoing.close(this.#peer);
    this.#leave();
  }

  /** The network ends the connection: what was under way is lost, and this end completes at once. */
  break(): void {
    if (this.#isGone) return;
    this.#pipes().incoming.drop(this.#peer);
    this.#pipes().outgoing.drop(this.#peer);
    this.#leave();
  }

  /** As if its process had died: nobody here hears anything any more, and the other end completes. */
  vanish(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#mail = undefined;
    this.#pipes().incoming.drop(this.#peer);
    this.#pipes().outgoing.abandon();
  }

  #read(subscriber: Subscriber<Frames>): void {
    if (this.#isTaken) {
      subscriber.error(invalidArgument('the messages of a wire have one subscriber, once'));
      return;
    }
    this.#isTaken = true;
    if (this.#isGone) {
      subscriber.complete();
      return;
    }
    this.#mail = subscriber;
    this.#pipes().incoming.resume();
    subscriber.add(() => {
      this.close();
    });
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#mail?.complete();
    this.#mail = undefined;
    this.#hooks.onGone();
  }
}
