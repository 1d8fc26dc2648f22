import {
  defer,
  distinctUntilChanged,
  finalize,
  map,
  type Observable,
  startWith,
  Subject,
  takeUntil,
  tap,
  throwError,
} from 'rxjs';
import { SkeinError } from '../../core/errors.js';
import { encodeTarget, type TopicName } from '../../core/target.js';
import type { Registration } from '../../ports/matchmaker.js';

/** What a registry lists, and whom it tells that a newer incarnation took the name. */
export interface Listing {
  readonly registration: Registration;
  readonly lose: () => void;
}

/** What a directory has to do. */
export interface DirectoryFigures {
  readonly entries: number;
  /** Topics that are watched at present, each by so many. */
  readonly watches: number;
  /** Sets that were told so far, to each watcher at first and at each change, and the entries in all of them. */
  readonly setsTold: number;
  readonly entriesTold: number;
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
  /** Tells of changes of one topic to those who watch it. */
  readonly #changes = new Map<string, Subject<void>>();
  readonly #changed$ = new Subject<void>();
  #watches = 0;
  #setsTold = 0;
  #entriesTold = 0;
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

  get figures(): DirectoryFigures {
    return {
      entries: [...this.#sets.values()].reduce((sum, set) => sum + set.length, 0),
      watches: this.#watches,
      setsTold: this.#setsTold,
      entriesTold: this.#entriesTold,
    };
  }

  /** The topic's set, at once and at every change. */
  watch(topic: TopicName): Observable<readonly Registration[]> {
    const key = topicKey(topic);
    return this.#told(
      defer(() => this.#changesOf(key)),
      () => this.#sets.get(key) ?? none,
    );
  }

  /** All topics' sets, at once and at every change. */
  watchAll(): Observable<readonly Registration[]> {
    return this.#told(this.#changed$, () => (this.#all ??= [...this.#sets.values()].flat()));
  }

  #told(changed$: Observable<void>, read: () => readonly Registration[]): Observable<readonly Registration[]> {
    return defer(() => {
      this.#watches += 1;
      return changed$.pipe(
        startWith(undefined),
        map(read),
        // Someone who is told may change the set; whoever is told behind it has then been told of the newer set already.
        distinctUntilChanged(),
        tap((set) => {
          this.#setsTold += 1;
          this.#entriesTold += set.length;
        }),
        finalize(() => {
          this.#watches -= 1;
        }),
      );
    });
  }

  /** Kept for as long as someone watches. */
  #changesOf(topic: string): Observable<void> {
    const changes$ = this.#changes.get(topic) ?? new Subject<void>();
    this.#changes.set(topic, changes$);
    return changes$.pipe(
      finalize(() => {
        if (!changes$.observed) this.#changes.delete(topic);
      }),
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
    this.#changes.get(topic)?.next();
    this.#changed$.next();
  }
}

const topicKey = ({ exchange, topic }: TopicName): string => encodeTarget({ exchange, topic });
