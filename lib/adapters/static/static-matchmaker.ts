import { readFile } from 'node:fs/promises';
import {
  auditTime,
  catchError,
  defer,
  distinctUntilChanged,
  EMPTY,
  interval,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  ReplaySubject,
  share,
  switchMap,
  tap,
} from 'rxjs';
import { invalidArgument } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { TopicName } from '../../core/target.js';
import type { Clock } from '../../ports/clock.js';
import type { Logger } from '../../ports/logger.js';
import { Matchmaker, type Registration } from '../../ports/matchmaker.js';
import { changesBeside } from './changes-beside.js';
import { parseRing, unreadable } from './ring.js';

export interface StaticOptions {
  /** A ring file's path, which ends in .yaml, .yml or .json; `RingEntry` says what stands in it. */
  readonly file: string;
}

type Ring = readonly Registration[];

/** Changes within this time, in ms, are read as one, so that a file is seldom read half written. */
const settleMs = 50;

/**
 * Introduces the servers that a file lists, whether they run or not. Changes to the file show within moments; a file that went
 * missing or is not valid any more is logged and changes nothing. To register is to be listed: it errors with `invalid-argument`
 * where the file lists no such server.
 */
export class StaticMatchmaker extends Matchmaker {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #ring$: Observable<Ring>;

  constructor({ file }: StaticOptions, clock: Clock, logger: Logger) {
    super();
    this.#file = file;
    this.#clock = clock;
    this.#logger = logger;
    this.#ring$ = this.#rings().pipe(share({ connector: () => new ReplaySubject(1) }));
  }

  override register(registration: Registration): Observable<'registered'> {
    const find = (ring: Ring): Registration | undefined => ring.find((listed) => isSameServer(listed, registration));
    return this.#ring$.pipe(
      // Whoever was just added to the file is not refused because the news of it is still on its way.
      switchMap((ring) => (find(ring) ? of(ring) : this.#read().then((text) => this.#parse(text)))),
      map((ring) => {
        const entry = find(ring);
        if (entry === undefined) throw invalidArgument(`${this.#file} lists no such server; add: ${entryFor(registration)}`);
        return entry.address;
      }),
      distinctUntilChanged(),
      tap((listed) => {
        const { server, address } = registration;
        if (listed !== address) this.#logger.warn(`${this.#file} lists ${server} at ${listed}, but it listens at ${address}`);
      }),
      map(() => 'registered' as const),
      distinctUntilChanged(),
    );
  }

  override watch({ exchange, topic }: TopicName): Observable<Ring> {
    return this.#ring$.pipe(
      map((ring) => ring.filter((entry) => entry.exchange === exchange && entry.topic === topic)),
      distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)),
    );
  }

  override watchAll(): Observable<Ring> {
    return this.#ring$.pipe(distinctUntilChanged((a, b) => JSON.stringify(a) === JSON.stringify(b)));
  }

  #rings(): Observable<Ring> {
    return defer(() => {
      let isListed = false;
      const keepFormer = (error: unknown): Observable<never> => {
        if (!isListed) throw error;
        this.#logger.error(`${this.#file} cannot be used, and what it listed before stays`, { error });
        return EMPTY;
      };
      return this.#reads().pipe(
        mergeMap((text) => defer(() => of(this.#parse(text))).pipe(catchError(keepFormer))),
        tap(() => (isListed = true)),
      );
    });
  }

  /** The file as it is now, each time that someone tells of a change, and once in a while where no one does. */
  #reads(): Observable<string | Error> {
    const told$ = changesBeside(this.#file).pipe(
      auditTime(settleMs, this.#clock),
      catchError((error: unknown) => {
        this.#logger.warn(`changes to ${this.#file} are seen late, since its folder cannot be watched`, { error });
        return EMPTY;
      }),
    );
    return merge(told$, interval(limits.leaseMs, this.#clock), of(undefined)).pipe(
      switchMap(() => this.#read()),
      distinctUntilChanged((a, b) => String(a) === String(b)),
    );
  }

  #read(): Promise<string | Error> {
    return readFile(this.#file, 'utf8').catch((error: unknown) => error as Error);
  }

  #parse(text: string | Error): Ring {
    if (text instanceof Error) throw unreadable(this.#file, text);
    return parseRing(text, this.#file);
  }
}

/** An entry that would list the server, as YAML and JSON both have it. */
const entryFor = ({ exchange, topic, server, address }: Registration): string =>
  JSON.stringify({ exchange, topic, server, address });

const isSameServer = (a: Registration, b: Registration): boolean =>
  a.exchange === b.exchange && a.topic === b.topic && a.server === b.server;
