import {
  BehaviorSubject,
  concat,
  defer,
  delay,
  filter,
  finalize,
  map,
  Observable,
  type Observer,
  of,
  startWith,
  Subject,
  switchMap,
  takeUntil,
  takeWhile,
  throwError,
} from 'rxjs';
import { MemoryMatchmaker } from '../../adapters/matchmaker-memory/memory-matchmaker.js';
import { SkeinError } from '../../core/errors.js';
import { Matchmaker, type Registration } from '../../ports/matchmaker.js';
import type { Clock } from '../../ports/clock.js';
import { entered } from '../entered.js';
import type { Enter } from '../current.js';
import type { Surroundings } from './surroundings.js';

/** What a directory is like from one process. */
interface HostView {
  readonly clock: Clock;
  /** How late it hears of changes, in ms. */
  readonly lateMs: number;
  /** How long its entries live without it, in ms. */
  readonly leaseMs: number;
  readonly enter: Enter;
}

/** Hands on what is told, and stays subscribed when nobody hears it any more. */
const subscriberOf = <T>(subscriber: Observer<T>): Observer<T> => ({
  next: (value) => {
    subscriber.next(value);
  },
  error: (error) => {
    subscriber.error(error);
  },
  complete: () => {
    subscriber.complete();
  },
});

/** A directory as one process sees it: late, stale, out of reach, and silent once the process is dead. */
export class HostMatchmaker extends Matchmaker {
  readonly #inner: Matchmaker;
  readonly #clock: Clock;
  /** The time of the directory itself. */
  readonly #world: Clock;
  readonly #lateMs: number;
  readonly #leaseMs: number;
  readonly #enter: Enter;
  readonly #relist$ = new Subject<void>();
  readonly #isStale$ = new BehaviorSubject(false);
  #outage$ = new Subject<never>();
  #outage: SkeinError | undefined;
  /** Registrations and watches that nobody has let go. */
  open = 0;

  constructor({ registry, sim }: Surroundings, { clock, lateMs, leaseMs, enter }: HostView) {
    super();
    this.#inner = new MemoryMatchmaker(registry);
    this.#world = sim.clock;
    this.#clock = clock;
    this.#lateMs = lateMs;
    this.#leaseMs = leaseMs;
    this.#enter = enter;
  }

  override register(registration: Registration): Observable<'registered'> {
    const list = (again$: Observable<void>) =>
      again$.pipe(
        startWith(undefined),
        switchMap(() => concat(this.#inner.register(registration), of('lost' as const))),
        takeWhile((told) => told !== 'lost'),
      );
    return this.#reached(this.#leased(list));
  }

  override watch(topic: Parameters<Matchmaker['watch']>[0]): Observable<readonly Registration[]> {
    return this.#reached(this.#seen(this.#inner.watch(topic)));
  }

  override watchAll(): Observable<readonly Registration[]> {
    return this.#reached(this.#seen(this.#inner.watchAll()));
  }

  /** Lists all of its entries anew, which had run out. */
  relist(): void {
    this.#relist$.next();
  }

  /** Whoever watches or registers from here fails, now and until {@link restore}. */
  fail(): void {
    this.#outage = new SkeinError('undeliverable', { reason: 'the directory cannot be reached from here' });
    const outage$ = this.#outage$;
    this.#outage$ = new Subject();
    outage$.error(this.#outage);
  }

  restore(): void {
    this.#outage = undefined;
  }

  /** What it is told from now on is what was true before, until it is no longer stale. */
  set isStale(isStale: boolean) {
    if (this.#isStale$.value !== isStale) this.#isStale$.next(isStale);
  }

  /** Of what cannot be reached nothing can be taken off: entries stay there until their lease ends, and are not listed anew. */
  #leased<T>(list: (again$: Observable<void>) => Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      const letGo$ = new Subject<void>();
      const listed = list(this.#relist$.pipe(takeUntil(letGo$))).subscribe(subscriberOf(subscriber));
      return () => {
        letGo$.next();
        if (!this.#outage) listed.unsubscribe();
        else {
          this.#world.schedule(() => {
            listed.unsubscribe();
          }, this.#leaseMs);
        }
      };
    });
  }

  #seen(told$: Observable<readonly Registration[]>): Observable<readonly Registration[]> {
    const late$ = this.#lateMs === 0 ? told$ : told$.pipe(delay(this.#lateMs, this.#clock));
    return late$.pipe(
      switchMap((servers) =>
        this.#isStale$.pipe(
          filter((isStale) => !isStale),
          map(() => servers),
        ),
      ),
    );
  }

  #reached<T>(source$: Observable<T>): Observable<T> {
    return defer(() => {
      const outage = this.#outage;
      if (outage) return throwError(() => outage);
      this.open += 1;
      return entered(source$.pipe(takeUntil(this.#outage$)), this.#enter).pipe(
        finalize(() => {
          this.open -= 1;
        }),
      );
    });
  }
}
