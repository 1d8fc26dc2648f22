import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { invalidArgument, SkeinError } from '../../core/errors.js';
import { Ring } from '../../core/ring.js';
import type { Clock } from '../../ports/clock.js';
import type { Route } from './route.js';

export type Frames = readonly Uint8Array[];

/** What the two ends of a connection tell each other beside messages. */
export type Signal = 'open' | 'opened' | 'refused' | 'close';

/** The end that a pipe leads to. */
export interface Receiver {
  /** Whether a message can be handed over now; if not, it waits in the pipe until that is resumed. */
  readonly isReading: boolean;
  takeMessage(frames: Frames): void;
  takeSignal(signal: Signal): void;
}

interface Parcel {
  readonly dueMs: number;
  readonly content: Frames | Signal;
}

/** As between processes, neither side sees what the other one does to its bytes. The first frame is the codec's own, and may be more than bytes. */
const ownCopy = (frame: Uint8Array, index: number): Uint8Array => (index === 0 ? frame : Buffer.from(frame));

/** Room for each signal once, beside the messages. */
const signalsMax = 4;

/** One direction of a connection: in order, and never more messages under way than the high-water mark. */
export class Pipe {
  readonly #clock: Clock;
  readonly #route: Route;
  readonly #highWater: number;
  readonly #receiver: Receiver;
  readonly #parcels: Ring<Parcel>;
  #messages = 0;
  #lastDueMs = 0;
  #arrival: Subscription | undefined;
  #waiting: { readonly frames: Frames; readonly subscriber: Subscriber<never> } | undefined;
  #isEnded = false;
  #isSilent = false;

  constructor(clock: Clock, route: Route, highWater: number, receiver: Receiver) {
    this.#clock = clock;
    this.#route = route;
    this.#highWater = highWater;
    this.#receiver = receiver;
    this.#parcels = new Ring(highWater + signalsMax);
  }

  /** Sends the message when subscribed; completes, never within the same turn, when there is room for it. */
  send(frames: Frames, peer: string): Observable<never> {
    return new Observable((subscriber) => {
      if (this.#isSilent) return;
      if (this.#isEnded) {
        subscriber.error(new SkeinError('undeliverable', { reason: `the wire to ${peer} is gone` }));
        return;
      }
      if (this.#waiting !== undefined) {
        subscriber.error(invalidArgument('a wire takes one message at a time: wait until send completes'));
        return;
      }
      this.#waiting = { frames, subscriber };
      subscriber.add(() => {
        if (this.#waiting?.subscriber === subscriber) this.#waiting = undefined;
      });
      this.#admit();
    });
  }

  signal(signal: Signal): void {
    if (!this.#isEnded) this.#put(signal);
  }

  /** Goes on after the route was cut, or once the receiver reads. */
  resume(): void {
    this.#arrival?.unsubscribe();
    this.#arrival = undefined;
    this.#expect();
  }

  /** The last word: what was sent before still arrives, and nothing more can be sent. */
  close(peer: string): void {
    this.signal('close');
    this.#end(peer);
  }

  /** Nothing arrives any more. */
  drop(peer: string): void {
    this.#end(peer);
    this.#forget();
    this.#arrival?.unsubscribe();
    this.#arrival = undefined;
  }

  /**
   * The sender's process has died: no send ends any more, and the receiver learns it as from a closing. What a cut holds back
   * is lost with the process, for no one is left to send it again.
   */
  abandon(): void {
    if (this.#route.isCut) this.#forget();
    this.signal('close');
    this.#waiting = undefined;
    this.#isEnded = true;
    this.#isSilent = true;
  }

  #forget(): void {
    this.#parcels.drain();
    this.#messages = 0;
  }

  #end(peer: string): void {
    this.#isEnded = true;
    this.#waiting?.subscriber.error(new SkeinError('undeliverable', { reason: `the wire to ${peer} is gone` }));
  }

  #admit(): void {
    if (this.#waiting === undefined || this.#messages >= this.#highWater) return;
    const { frames, subscriber } = this.#waiting;
    this.#waiting = undefined;
    if (!this.#route.loses()) {
      this.#messages += 1;
      this.#put(frames.map(ownCopy));
    }
    const completed = this.#clock.schedule(() => {
      subscriber.complete();
    });
    subscriber.add(completed);
  }

  #put(content: Frames | Signal): void {
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#clock.now() + this.#route.delayMs());
    this.#parcels.push({ content, dueMs: this.#lastDueMs });
    this.#expect();
  }

  #expect(): void {
    const next = this.#parcels.peek();
    if (this.#arrival !== undefined || next === undefined || this.#route.isCut) return;
    this.#arrival = this.#clock.schedule(
      () => {
        this.#arrival = undefined;
        this.#arrive();
      },
      Math.max(0, next.dueMs - this.#clock.now()),
    );
  }

  /** Takes no more than what is there at the start: what is sent meanwhile comes in a later turn. */
  #arrive(): void {
    for (let left = this.#parcels.size; left > 0; left -= 1) {
      const next = this.#parcels.peek();
      if (next === undefined || next.dueMs > this.#clock.now() || this.#route.isCut) break;
      if (typeof next.content === 'string') {
        this.#parcels.shift();
        this.#receiver.takeSignal(next.content);
        continue;
      }
      if (!this.#receiver.isReading) return;
      this.#parcels.shift();
      this.#messages -= 1;
      this.#receiver.takeMessage(next.content);
      this.#admit();
    }
    this.#expect();
  }
}
