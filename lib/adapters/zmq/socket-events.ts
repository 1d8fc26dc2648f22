import type { EventType, Observer } from 'zeromq';
import type { Clock } from '../../ports/clock.js';

/** How long after its last message a closed socket may take to be gone, in ms. */
const goneMs = 1_000;

/**
 * What a socket tells of its connections. After it was closed, its last event may never come (ZeroMQ drops it where nobody
 * read it in time), and who waits for it keeps the process alive; so the waiting ends by the clock. Not earlier: as long as
 * the socket still has something to tell, its I/O thread would wait for a reader.
 */
export class SocketEvents {
  readonly #observer: Observer;
  readonly #ended: Promise<void>;

  constructor(observer: Observer, onEvent: (type: EventType) => void) {
    this.#observer = observer;
    this.#ended = this.#watch(onEvent);
  }

  /** To be called once the socket was closed, which may take `lingerMs` to send what it has. */
  release(clock: Clock, lingerMs: number): void {
    const stop = clock.schedule(() => {
      this.#observer.close();
    }, lingerMs + goneMs);
    void this.#ended.then(() => {
      stop.unsubscribe();
    });
  }

  async #watch(onEvent: (type: EventType) => void): Promise<void> {
    try {
      for (let type: EventType | undefined; type !== 'end';) {
        ({ type } = await this.#observer.receive());
        onEvent(type);
      }
    } catch {
      // The socket was closed, and its events with it.
    }
  }
}
