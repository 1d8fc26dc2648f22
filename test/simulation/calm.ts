import type { Served, SkeinError } from '../../lib/index.js';
import type { WireWatch } from './wire-watch.js';
import type { Sent } from './work.js';

/** How late anyone may hear that there is a server, in ms. */
const lateMs = 100;
/** What may come of what is sent while nothing breaks, and servers only come, and leave in order. */
export class Calm {
  readonly breaches: string[] = [];
  readonly #watch: WireWatch;
  readonly #now: () => number;
  /** Servers that are there for good, as far as anyone knows, and since when. */
  readonly #since = new Map<Served, number>();

  constructor(watch: WireWatch, now: () => number) {
    this.#watch = watch;
    this.#now = now;
  }

  appear(served: Served): void {
    this.#since.set(served, this.#now());
  }

  leave(all: Iterable<Served>): void {
    for (const served of all) this.#since.delete(served);
  }

  /** A send has failed, or a cast that no one has watched. */
  judge(host: string, sent: Sent | undefined, error: SkeinError): void {
    const why = this.#why(sent, error);
    if (why !== undefined) this.breaches.push(`${host}: ${sent?.what ?? 'a cast'} ended ${error.code}, ${why}: ${error.message}`);
  }

  #why(sent: Sent | undefined, { code, ran, message }: SkeinError): string | undefined {
    if (code === 'link-lost' || code === 'peer-silent') return 'though nothing was broken';
    const isUnsent = code === 'closed' || code === 'undeliverable' || code === 'no-server';
    if (isUnsent && ran !== 'no') return 'of unknown outcome';
    // One that came back unsent, from who left before it was sent, has moved as well, and no wire has seen it.
    if (code !== 'no-server' || !sent || sent.isPinned || this.#watch.refusals(sent.token) > 0) return undefined;
    const known = [...this.#since].filter(([, since]) => since + lateMs < this.#now()).map(([{ server }]) => server);
    return known.length > 0 ? `though ${known.join()} served (${message})` : undefined;
  }
}
