import type { Clock } from '../../ports/clock.js';
import type { Wire } from '../../ports/network.js';
import { End } from './end.js';
import { Pipe } from './pipe.js';
import type { Route } from './route.js';

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly highWater: number;
  /** What the dialling end calls its peer, and the other way round. */
  readonly listenerName: string;
  readonly dialerName: string;
  readonly there: Route;
  readonly back: Route;
}

export interface ConnectionHooks {
  /** The dialer's knock has arrived; false refuses it. */
  onKnock(): boolean;
  onOpened(wire: Wire): void;
  onRefused(): void;
  /** The first message for the listener's end has arrived. */
  onServed(wire: Wire): void;
  onGone(end: End): void;
}

/** Two ends and what is between them. */
export class Connection {
  readonly dialled: End;
  readonly served: End;
  readonly #there: Pipe;
  readonly #back: Pipe;

  constructor({ clock, highWater, listenerName, dialerName, there, back }: ConnectionOptions, hooks: ConnectionHooks) {
    this.dialled = new End(listenerName, () => ({ incoming: this.#back, outgoing: this.#there }), {
      onSignal: (signal) => {
        if (signal === 'opened') hooks.onOpened(this.dialled.wire);
        else hooks.onRefused();
      },
      onFirstMessage: () => undefined,
      onGone: () => {
        hooks.onGone(this.dialled);
      },
    });
    this.served = new End(dialerName, () => ({ incoming: this.#there, outgoing: this.#back }), {
      onSignal: () => {
        this.#back.signal(hooks.onKnock() ? 'opened' : 'refused');
      },
      onFirstMessage: () => {
        hooks.onServed(this.served.wire);
      },
      onGone: () => {
        hooks.onGone(this.served);
      },
    });
    this.#there = new Pipe(clock, there, highWater, this.served);
    this.#back = new Pipe(clock, back, highWater, this.dialled);
  }

  knock(): void {
    this.#there.signal('open');
  }

  /** Goes on after a cut. */
  resume(): void {
    this.#there.resume();
    this.#back.resume();
  }
}
