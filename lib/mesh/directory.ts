import { catchError, defer, filter, map, merge, type Observable, of, scan, Subject, tap } from 'rxjs';
import type { Actor } from '../actors/actor.js';
import { isSkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { TopicName } from '../core/target.js';
import { redial } from '../operators/redial.js';
import type { Registration } from '../ports/matchmaker.js';
import type { MeshPorts } from './mesh-ports.js';

/** What the directory said last of a topic, and whether it may have changed since. */
export interface Listing {
  readonly registrations: readonly Registration[];
  readonly isStale: boolean;
}

/**
 * The matchmaker, for ever: while it fails it is tried again, with backoff, and at least as often as an entry is renewed; what it said last
 * keeps serving, flagged stale.
 */
export class Directory {
  readonly #ports: MeshPorts;
  readonly #note$ = new Subject<string>();

  constructor(parent: Actor, ports: MeshPorts) {
    this.#ports = ports;
    parent.spawn('directory', (self) =>
      this.#note$.pipe(
        tap((note) => {
          self.say(note);
        }),
      ),
    );
  }

  /** The topic's servers, from the first time that the matchmaker tells of them, and at every change. Never errors. */
  watch(topic: TopicName): Observable<Listing> {
    return this.#keep(this.#ports.matchmaker.watch(topic));
  }

  /** The servers of all topics, likewise. */
  watchAll(): Observable<Listing> {
    return this.#keep(this.#ports.matchmaker.watchAll());
  }

  /**
   * Lists the server while subscribed; completes where a newer incarnation took its name. Errors with `invalid-argument` where the
   * matchmaker refuses it before it was ever listed; once it was, never errors.
   */
  register(registration: Registration): Observable<'registered'> {
    return defer(() => {
      let wasListed = false;
      return this.#ports.matchmaker.register(registration).pipe(
        tap(() => (wasListed = true)),
        // A refusal lasts until someone mends its cause, so whoever serves is told of it. A server that was listed keeps trying.
        catchError((error: unknown) => {
          if (wasListed || !isSkeinError(error, 'invalid-argument')) throw error;
          return of(error);
        }),
        this.#persist(),
        map((told) => {
          if (told !== 'registered') throw told;
          return told;
        }),
      );
    });
  }

  #keep(set$: Observable<readonly Registration[]>): Observable<Listing> {
    const failed$ = new Subject<undefined>();
    const told$ = set$.pipe(
      this.#persist(() => {
        failed$.next(undefined);
      }),
    );
    // In this order, so that a failure within the subscribing is not missed.
    return merge(failed$, told$).pipe(
      scan(
        (last: Listing | undefined, registrations) =>
          registrations ? { registrations, isStale: false } : last && { ...last, isStale: true },
        undefined,
      ),
      filter((listing) => listing !== undefined),
      tap(({ isStale }) => {
        this.#note$.next(isStale ? 'stale' : 'current');
      }),
    );
  }

  #persist<T>(onFailure?: () => void) {
    const { random, clock, logger, identity } = this.#ports;
    return redial<T>({
      backoff: { minMs: limits.restart.minMs, maxMs: identity.leaseMs / 3 },
      random,
      clock,
      onFailure: (error, waitMs) => {
        logger.warn(`the directory fails, next try in ${String(Math.round(waitMs))} ms`, { error });
        onFailure?.();
      },
    });
  }
}
