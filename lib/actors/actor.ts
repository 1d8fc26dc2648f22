import {
  BehaviorSubject,
  defer,
  distinctUntilChanged,
  map,
  Observable,
  startWith,
  Subject,
  Subscription,
  throttleTime,
} from 'rxjs';
import { backoffMs } from '../core/backoff.js';
import { limits } from '../core/limits.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { Random } from '../ports/random.js';

/** What an actor does, as one stream: subscribed at its start and anew at each restart. What it emits is nobody's business. */
export type Behavior = (self: Actor) => Observable<unknown>;

export interface ActorPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What happens when a behaviour errors; when it completes, the actor stops. */
type Strategy = 'restart' | 'stop';

export interface ActorOptions {
  /** Default `restart`: with backoff, and at most `limits.restartsMax` times within `limits.restartsWithinMs`. */
  readonly supervise?: Strategy;
  /** The queue that it answers for, to be shown in its status. */
  readonly mailbox?: { readonly size: number; readonly max: number };
}

export interface ActorStatus {
  readonly path: string;
  /** `waiting` is between a failure and the restart. */
  readonly state: 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped';
  /** What it says of itself, such as a link's `live`. */
  readonly note: string;
  readonly mailbox: { readonly depth: number; readonly max: number } | undefined;
  readonly restarts: number;
  readonly lastError: unknown;
  readonly children: readonly ActorStatus[];
}

/** A supervised behaviour with its children: one node of the observable tree. */
export class Actor {
  readonly path: string;
  readonly #behavior: Behavior;
  readonly #options: ActorOptions;
  readonly #ports: ActorPorts;
  readonly #parent: Actor | undefined;
  readonly #children: Actor[] = [];
  readonly #changed$ = new Subject<void>();
  readonly #stopped$ = new BehaviorSubject(false);
  #run: Subscription | undefined;
  #state: ActorStatus['state'] = 'starting';
  #note = '';
  #restarts = 0;
  #failedAt: readonly number[] = [];
  #lastError: unknown = undefined;

  private constructor(path: string, behavior: Behavior, options: ActorOptions, ports: ActorPorts, parent?: Actor) {
    this.path = path;
    this.#behavior = behavior;
    this.#options = options;
    this.#ports = ports;
    this.#parent = parent;
  }

  /** The top of a new tree; it does nothing but hold its children. */
  static root(name: string, ports: ActorPorts): Actor {
    const root = new Actor(name, () => new Subject(), {}, ports);
    root.#start();
    return root;
  }

  /** Starts a child. Throws if this actor is stopped, or about to be. */
  spawn(name: string, behavior: Behavior, options: ActorOptions = {}): Actor {
    if (this.#state === 'stopping' || this.isStopped) throw new Error(`${this.path} is stopped, and starts no ${name}`);
    const child = new Actor(`${this.path}/${name}`, behavior, options, this.#ports, this);
    this.#children.push(child);
    child.#start();
    return child;
  }

  get isStopped(): boolean {
    return this.#stopped$.value;
  }

  /** Emits and completes when it has stopped, at once if it has already. */
  get stopped$(): Observable<unknown> {
    return new Observable((subscriber) =>
      this.#stopped$.subscribe({
        next: (stopped) => {
          if (!stopped) return;
          subscriber.next(this.#lastError);
          subscriber.complete();
        },
        error: (error: unknown) => subscriber.error(error),
      }),
    );
  }

  /** It and all below it, now and after changes; changes of one turn come as one. */
  get status$(): Observable<ActorStatus> {
    return defer(() =>
      this.#changed$.pipe(
        throttleTime(0, this.#ports.clock, { leading: false, trailing: true }),
        startWith(undefined),
        map(() => this.status()),
        distinctUntilChanged(),
      ),
    );
  }

  status(): ActorStatus {
    const { mailbox } = this.#options;
    return {
      path: this.path,
      state: this.#state,
      note: this.#note,
      mailbox: mailbox && { depth: mailbox.size, max: mailbox.max },
      restarts: this.#restarts,
      lastError: this.#lastError,
      children: this.#children.map((child) => child.status()),
    };
  }

  /** What the actor says of itself from now on. */
  say(note: string): void {
    if (note === this.#note) return;
    this.#note = note;
    this.#tell();
  }

  /** Stops the children, last one first, and then itself; idempotent. */
  stop(): void {
    if (this.#state === 'stopping' || this.#state === 'stopped') return;
    this.#to('stopping');
    this.#stopChildren();
    this.#endRun();
    this.#to('stopped');
    this.#stopped$.next(true);
    if (this.#parent) this.#parent.#forget(this);
    this.#changed$.complete();
  }

  #start(): void {
    this.#run = new Subscription();
    this.#to('running');
    this.#run.add(
      defer(() => this.#behavior(this)).subscribe({
        error: (error: unknown) => {
          this.#fail(error);
        },
        complete: () => {
          this.stop();
        },
      }),
    );
  }

  /** A behaviour that fails on its way out keeps nothing else from stopping. */
  #endRun(): void {
    try {
      this.#run?.unsubscribe();
    } catch (error) {
      this.#lastError = error;
      this.#ports.logger.error(`${this.path} failed as it was stopped`, { error });
    }
  }

  #stopChildren(): void {
    for (let child = this.#children.at(-1); child; child = this.#children.at(-1)) {
      child.stop();
      this.#forget(child);
    }
  }

  #fail(error: unknown): void {
    this.#lastError = error;
    this.#stopChildren();
    const now = this.#ports.clock.now();
    this.#failedAt = [...this.#failedAt.filter((at) => at > now - limits.restartsWithinMs), now];
    const isHopeless = this.#failedAt.length > limits.restartsMax;
    if (this.#options.supervise === 'stop' || isHopeless) {
      this.#ports.logger.error(`${this.path} failed and stays stopped`, { error });
      this.stop();
      return;
    }
    const waitMs = backoffMs(this.#failedAt.length - 1, limits.restart, this.#ports.random.next());
    this.#ports.logger.warn(`${this.path} failed and is restarted in ${String(Math.round(waitMs))} ms`, { error });
    this.#to('waiting');
    this.#run = this.#ports.clock.schedule(() => {
      this.#restarts += 1;
      this.#start();
    }, waitMs);
  }

  #forget(child: Actor): void {
    const index = this.#children.indexOf(child);
    if (index === -1) return;
    this.#children.splice(index, 1);
    this.#tell();
  }

  #to(state: ActorStatus['state']): void {
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    this.#changed$.next();
    if (this.#parent) this.#parent.#tell();
  }
}
