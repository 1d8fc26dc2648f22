import { statSync } from 'node:fs';
import {
  auditTime,
  catchError,
  concat,
  defer,
  distinctUntilChanged,
  EMPTY,
  endWith,
  filter,
  finalize,
  interval,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  ReplaySubject,
  share,
  startWith,
  switchMap,
  takeWhile,
  tap,
} from 'rxjs';
import { isSkeinError, SkeinError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { TopicName } from '../../core/target.js';
import { keepLease } from '../../operators/keep-lease.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import { Matchmaker, type Registration } from '../../ports/matchmaker.js';
import { claimFor, Entries, type Names } from './entries.js';
import { folderChanges } from './folder-changes.js';
import { makeFolder } from './folder.js';

export interface LocalOptions {
  readonly directory: string;
  /**
   * Three times within this time a watch looks for servers that died without a word, in ms; more often for those that have a
   * shorter lease. Default: `limits.leaseMs`.
   */
  readonly leaseMs?: number | undefined;
}

export interface LocalPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes the directory, if there is none, for this user alone; throws `invalid-argument` where others have a hand in it. */
  readonly makePrivate: (directory: string) => void;
}

/** The folder as it is while someone uses it. */
interface Place {
  readonly entries: Entries;
  /** What is in it after each change, and once in a while without one. */
  readonly names$: Observable<Names>;
}

/**
 * Introduces the processes of one user on one host, through files in a private directory; there is no server. Changes show
 * within about a ms. What a killed process had listed goes as soon as someone looks: at the next change, or within a third of
 * the lease, ours or the server's, whichever is shorter. The directory must not be on a network file system.
 */
export class LocalMatchmaker extends Matchmaker {
  readonly #directory: string;
  readonly #lookMs: number;
  readonly #ports: LocalPorts;
  readonly #place$: Observable<Place>;

  constructor({ directory, leaseMs = limits.leaseMs }: LocalOptions, ports: LocalPorts) {
    super();
    this.#directory = directory;
    this.#lookMs = leaseMs / 3;
    this.#ports = ports;
    const place$ = defer(() => concat(of(this.#enter()), NEVER));
    this.#place$ = place$.pipe(share({ connector: () => new ReplaySubject(1) }));
  }

  /** Throws `invalid-argument` where others own the directory or may enter it. */
  static open(options: LocalOptions, ports: LocalPorts): LocalMatchmaker {
    ports.makePrivate(options.directory);
    return new LocalMatchmaker(options, ports);
  }

  override register(registration: Registration): Observable<'registered'> {
    const lease = { leaseMs: registration.leaseMs, clock: this.#ports.clock };
    const outcomes$ = this.#use(({ entries, names$ }) => {
      const claim = claimFor(registration);
      const disturbed$ = names$.pipe(filter((names) => entries.isDisturbed(claim, names)));
      return merge(disturbed$, of(undefined)).pipe(
        switchMap(() => keepLease(() => of(entries.hold(claim)), lease).pipe(endWith('lost' as const))),
        finalize(() => entries.drop(claim)),
      );
    });
    return outcomes$.pipe(
      takeWhile((outcome) => outcome !== 'lost'),
      map(() => 'registered' as const),
    );
  }

  override watch(topic: TopicName): Observable<readonly Registration[]> {
    return this.#watch((entries, names) => entries.list(topic, names));
  }

  override watchAll(): Observable<readonly Registration[]> {
    return this.#watch((entries, names) => entries.listAll(names));
  }

  #watch(list: (entries: Entries, names?: Names) => readonly Registration[]): Observable<readonly Registration[]> {
    return this.#use(({ entries, names$ }) =>
      merge(names$, of(undefined)).pipe(
        map((names) => list(entries, names)),
        // A server whose lease is shorter than ours is not to outlive it here because we look at our own pace.
        switchMap((listed) => {
          const pacesMs = listed.map(({ leaseMs }) => leaseMs / 3).filter((paceMs) => paceMs < this.#lookMs);
          const again$ = pacesMs.length > 0 ? interval(Math.min(...pacesMs), this.#ports.clock) : EMPTY;
          return again$.pipe(
            map(() => list(entries)),
            startWith(listed),
          );
        }),
        distinctUntilChanged(
          (a, b) => a === b,
          (registrations) => JSON.stringify(registrations),
        ),
      ),
    );
  }

  #use<T>(use: (place: Place) => Observable<T>): Observable<T> {
    return this.#place$.pipe(
      switchMap(use),
      catchError((cause: unknown) => {
        if (isSkeinError(cause)) throw cause;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new SkeinError('undeliverable', { reason: `the directory ${this.#directory} fails: ${why}` }, { cause });
      }),
    );
  }

  #enter(): Place {
    const { clock, logger, makePrivate } = this.#ports;
    makePrivate(this.#directory);
    const folder = makeFolder(this.#directory);
    const entries = new Entries(folder);
    entries.sweep();
    const { ino } = statSync(folder);
    const check = (): void => {
      if (statSync(folder, { throwIfNoEntry: false })?.ino !== ino) throw new Error('it was removed or replaced');
    };
    const told$ = folderChanges(folder).pipe(
      // Several changes within one turn are looked at once.
      auditTime(0, clock),
      catchError((error: unknown) => {
        logger.warn(`changes in ${folder} are seen late, since it cannot be watched`, { error });
        return EMPTY;
      }),
    );
    const unasked$ = interval(this.#lookMs, clock).pipe(tap(check));
    return {
      entries,
      names$: merge(told$, unasked$).pipe(
        map(() => entries.names()),
        share(),
      ),
    };
  }
}
