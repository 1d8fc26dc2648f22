import { defer, distinctUntilChanged, filter, map, type Observable, startWith, Subject, takeUntil, throwError } from 'rxjs';
import { SkeinError } from '../../core/errors.js';
import { encodeTarget, type TopicName } from '../../core/target.js';
import type { Registration } from '../../ports/matchmaker.js';

/** What a registry lists, and whom it tells that a newer incarnation took the name. */
export interface Listing {
  readonly registration: Registration;
  readonly lose: () => void;
}

const none: readonly Registration[] = [];

/** The directory of the nodes that were given this object, and of no one else. */
export class MemoryRegistry {
  /** By topic, then by server. */
  readonly #topics = new Map<string, Map<string, Listing>>();
  /** The topics' sets as they are told: each is replaced at a change, never altered. */
  readonly #sets = new Map<string, readonly Registration[]>();
  /** The topics' sets in one, once someone asks; another one after each change. */
  #all: readonly Registration[] | undefined;
  readonly #changed$ = new Subject<string>();
  #outage$ = new Subject<never>();
  #outage: SkeinError | undefined;

  /** Begins an outage: whoever watches or registers fails, now and until {@link restore}. All entries end, as leases would. */
  fail(reason = 'the registry is out of order'): void {
    this.#outage = new SkeinError('undeliverable', { reason });
    this.#topics.clear();
    this.#sets.clear();
    this.#all = undefined;
    const outage$ = this.#outage$;
    this.#outage$ = new Subject();
    outage$.error(this.#outage);
  }

  /** Ends the outage; the registry is empty until nodes list their servers anew. */
  restore(): void {
    this.#outage = undefined;
  }

  /**
   * Ends the entries of one incarnation: what the end of its leases is to other directories. It is for nodes that died without
   * a word; one that still lives is not told.
   */
  expire(incarnation: string): void {
    for (const [topic, listings] of this.#topics) {
      const gone = [...listings.values()].filter(({ registration }) => registration.incarnation === incarnation);
      for (const listing of gone) listings.delete(listing.registration.server);
      if (gone.length > 0) this.#tell(topic, listings);
    }
  }

  /** Runs the source until an outage, with which it fails. */
  untilOutage<T>(source$: Observable<T>): Observable<T> {
    return defer(() => {
      const outage = this.#outage;
      return outage === undefined ? source$.pipe(takeUntil(this.#outage$)) : throwError(() => outage);
    });
  }

  /** The topic's set, at once and at every change. */
  watch(topic: TopicName): Observable<readonly Registration[]> {
    const key = topicKey(topic);
    return this.#changed$.pipe(
      filter((changed) => changed === key),
      startWith(key),
      map(() => this.#sets.get(key) ?? none),
      // Someone who is told may change the set; whoever is told behind it has then been told of the newer set already.
      distinctUntilChanged(),
    );
  }

  /** All topics' sets, at once and at every change. */
  watchAll(): Observable<readonly Registration[]> {
    return this.#changed$.pipe(
      startWith(undefined),
      map(() => (this.#all ??= [...this.#sets.values()].flat())),
      distinctUntilChanged(),
    );
  }

  /** Lists the server, unless a newer incarnation has the name; says whether it did. */
  add(listing: Listing): boolean {
    const { registration } = listing;
    const topic = topicKey(registration);
    const listings = this.#topics.get(topic) ?? new Map<string, Listing>();
    const former = listings.get(registration.server);
    if (former !== undefined && former.registration.incarnation > registration.incarnation) return false;
    listings.set(registration.server, listing);
    this.#topics.set(topic, listings);
    this.#tell(topic, listings);
    if (former !== undefined && former.registration.incarnation < registration.incarnation) former.lose();
    return true;
  }

  /** Takes that very listing off; does nothing where another one has the name. */
  remove(listing: Listing): void {
    const { registration } = listing;
    const topic = topicKey(registration);
    const listings = this.#topics.get(topic);
    if (listings?.get(registration.server) !== listing) return;
    listings.delete(registration.server);
    this.#tell(topic, listings);
  }

  #tell(topic: string, listings: ReadonlyMap<string, Listing>): void {
    if (listings.size === 0) {
      this.#topics.delete(topic);
      this.#sets.delete(topic);
    } else {
      this.#sets.set(
        topic,
        [...listings.values()].map(({ registration }) => registration),
      );
    }
    this.#all = undefined;
    this.#changed$.next(topic);
  }
}

const topicKey = ({ exchange, topic }: TopicName): string => encodeTarget({ exchange, topic });
