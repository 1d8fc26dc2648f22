import type { Node, SkeinError } from '../../lib/index.js';
import type { Ledger } from './ledger.js';
import type { WireWatch } from './wire-watch.js';
import type { Sent } from './work.js';

/** How late anyone may use what it has been told, in ms. */
const lateMs = 100;

/** What may come of what is sent while nothing breaks, and servers only come, and leave in order. */
export class Calm {
  readonly #watch: WireWatch;
  readonly #now: () => number;
  readonly #breach: Ledger['breach'];
  /** The servers that the directory lists, as each host has been told, and since when. */
  readonly #listed = new Map<string, ReadonlyMap<string, number>>();

  constructor(watch: WireWatch, now: () => number, breach: Ledger['breach']) {
    this.#watch = watch;
    this.#now = now;
    this.#breach = breach;
  }

  /** Another run of that host has begun. */
  begin(host: string, node: Node): void {
    this.#listed.set(host, new Map());
    node.servers$.subscribe((servers) => {
      const before = this.#listed.get(host);
      const keys = servers.map(({ server, incarnation }) => `${server} of ${incarnation}`);
      this.#listed.set(host, new Map(keys.map((key) => [key, before?.get(key) ?? this.#now()])));
    });
  }

  /** A send has failed, or a cast that no one has watched. */
  judge(host: string, sent: Sent | undefined, error: SkeinError): void {
    const why = this.#why(host, sent, error);
    if (why !== undefined) {
      this.#breach(`something ended ${error.code}, ${why}`, `${host}: ${sent?.what ?? 'a cast'}: ${error.message}`);
    }
  }

  #why(host: string, sent: Sent | undefined, { code, ran }: SkeinError): string | undefined {
    if (code === 'link-lost' || code === 'peer-silent') return 'though nothing was broken';
    const isUnsent = code === 'closed' || code === 'undeliverable' || code === 'no-server';
    if (isUnsent && ran !== 'no') return 'of unknown outcome';
    // One that came back unsent, from who left before it was sent, has moved as well, and no wire has seen it.
    if (code !== 'no-server' || !sent || sent.isPinned || this.#watch.refusals(sent.token) > 0) return undefined;
    const known = [...(this.#listed.get(host) ?? [])].filter(([, since]) => since + lateMs < this.#now());
    return known.length > 0 ? 'though somebody served' : undefined;
  }
}
