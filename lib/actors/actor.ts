import {
  BehaviorSubject,
  defer,
  distinctUntilChanged,
  filter,
  map,
  type Observable,
  startWith,
  Subject,
  Subscription,
  take,
  throttleTime,
} from 'rxjs';
import type { Backlog } from '../core/backlog.js';
import { SkeinError } from '../core/errors.js';
import { whileOpen } from '../operators/while-open.js';
import { type Queue, shown } from './queue.js';
import { type Supervise, Supervision, type Verdict } from './supervision.js';
import { type ActorPorts, grow, type Tree } from './tree.js';

/** What an actor does, as one stream: subscribed at its start and anew at each restart. What it emits is nobody's business. */
type Run = (self: Actor) => Observable<unknown>;

export interface ActorOptions {
  /** Default `restart`: with backoff, and at most `limits.restartsMax` times within `limits.restartsWithinMs`. */
  readonly supervise?: Supervise;
  /** The queue that it answers for, to be shown in its status. */
  readonly mailbox?: Queue;
  /** What else it keeps, to be shown too. */
  readonly buffers?: () => readonly Backlog[];
  /**
   * Whether it hands what it cannot get over to its parent, and takes on what its own children hand to it. By default it stays
   * stopped, and its children's failures end with them.
   */
  readonly escalates?: boolean;
  /** Whether it starts once this turn is over, so that whoever spawns it can listen first; by default it starts at once. */
  readonly startsLater?: boolean;
}

export interface ActorStatus {
  readonly path: string;
  /** `waiting` is between a failure and the restart. */
  readonly state: 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped';
  /** What it says of itself, such as a link's `live`. */
  readonly note: string;
  /** Of those that have one: the messages that wait, how many may, what becomes of one more, and how many it has let go. */
  readonly mailbox: Omit<Backlog, 'name'> | undefined;
  /** What else it keeps for others: each buffer of a link, say, those of equal streams as one. */
  readonly buffers: readonly Backlog[];
  /** Messages that it has taken out of its mailbox. */
  readonly processed: number;
  readonly restarts: number;
  readonly lastError: unknown;
  readonly children: readonly ActorStatus[];
}

/** Why an actor stopped: because of an error, or because it was told to or was done. */
export interface Stopped {
  readonly error?: unknown;
}

/** A supervised behaviour with its children: one node of the observable tree. */
export class Actor {
  readonly path: string;
  readonly tree: Tree;
  readonly #behavior: Run;
  readonly #options: ActorOptions;
  readonly #parent: Actor | undefined;
  readonly #supervision: Supervision;
  readonly #children = new Set<Actor>();
  readonly #names = new Map<string, Actor>();
  readonly #changed$ = new Subject<void>();
  readonly #stopped$ = new BehaviorSubject<Stopped | undefined>(undefined);
  #run = new Subscription();
  #state: ActorStatus['state'] = 'starting';
  #note = '';
  #restarts = 0;
  #lastError: unknown = undefined;

  private constructor(path: string, behavior: Run, options: ActorOptions, tree: Tree, parent?: Actor) {
    this.path = path;
    this.tree = tree;
    this.#behavior = behavior;
    this.#options = options;
    this.#parent = parent;
    this.#supervision = new Supervision(path, options.supervise ?? 'restart', tree);
  }

  /** The top of a new tree; it does nothing but hold its children. */
  static root(name: string, ports: ActorPorts): Actor {
    const root = new Actor(name, () => new Subject(), {}, grow(ports));
    root.#start();
    return root;
  }

  /** Starts a child. Throws `closed` if this actor is stopped, or about to be. */
  spawn(name: string, behavior: Run, options: ActorOptions = {}): Actor {
    if (this.#state === 'stopping' || this.isStopped) {
      throw new SkeinError('closed', { what: this.path }, { message: `${this.path} is stopped, and starts no ${name}` });
    }
    const child = new Actor(`${this.path}/${name}`, behavior, options, this.tree, this);
    this.#children.add(child);
    this.#names.set(name, child);
    if (options.startsLater === true) child.#startIn(0);
    else child.#start();
    return child;
  }

  get isStopped(): boolean {
    return this.#stopped$.value !== undefined;
  }

  /** How many it has spawned that have not stopped. */
  get childCount(): number {
    return this.#children.size;
  }

  /** Whether one that it has spawned and that has not stopped goes by that name. */
  hasChild(name: string): boolean {
    return this.#names.has(name);
  }

  /** Emits why and completes when it has stopped, at once if it has already. */
  get stopped$(): Observable<Stopped> {
    return this.#stopped$.pipe(
      filter((stopped) => stopped !== undefined),
      take(1),
    );
  }

  /** It and all below it, now and after changes; changes of one turn come as one. */
  get status$(): Observable<ActorStatus> {
    return defer(() =>
      this.#changed$.pipe(
        throttleTime(0, this.tree.clock, { leading: false, trailing: true }),
        startWith(undefined),
        map(() => this.status()),
        distinctUntilChanged(),
      ),
    );
  }

  status(): ActorStatus {
    const { mailbox, buffers } = this.#options;
    return {
      path: this.path,
      state: this.#state,
      note: this.#note,
      mailbox: mailbox && shown(mailbox),
      buffers: buffers?.() ?? [],
      processed: mailbox?.taken ?? 0,
      restarts: this.#restarts,
      lastError: this.#lastError,
      children: Array.from(this.#children, (child) => child.status()),
    };
  }

  /** What the actor says of itself from now on. */
  say(note: string): void {
    if (note === this.#note) return;
    this.#note = note;
    this.tell();
  }

  /** Its status has changed, or that of its mailbox. */
  tell(): void {
    this.#changed$.next();
    for (let above = this.#parent; above; above = above.#parent) above.#changed$.next();
  }

  /** Whether its behaviour is to go on after that error, as its strategy has it; if not, the behaviour is to fail with it. */
  resumes(error: unknown): boolean {
    if (!this.#supervision.resumes(error)) return false;
    this.#noteFailure(error, 'resumed');
    return true;
  }

  /** Stops the children, last one first, and then itself; idempotent. */
  stop(): void {
    this.#stop({});
  }

  #stop(why: Stopped): void {
    if (this.#state === 'stopping' || this.#state === 'stopped') return;
    this.#to('stopping');
    this.#stopChildren();
    this.#endRun();
    this.#to('stopped');
    this.#stopped$.next(why);
    if (this.#parent) this.#parent.#forget(this);
    this.#changed$.complete();
  }

  #start(): void {
    const run = new Subscription();
    this.#run = run;
    this.#to('running');
    run.add(
      defer(() => this.#behavior(this))
        // Stops what emits without end as it is subscribed, before its subscription could be kept.
        .pipe(whileOpen(run))
        .subscribe({
          error: (error: unknown) => {
            if (!run.closed) this.#fail(error);
          },
          complete: () => {
            if (!run.closed) this.stop();
          },
        }),
    );
  }

  #startIn(waitMs: number, isRestart = false): void {
    this.#run = this.tree.clock.schedule(() => {
      if (isRestart) {
        this.#restarts += 1;
        this.tree.count('actors.restarted');
      }
      this.#start();
    }, waitMs);
  }

  /** A behaviour that fails on its way out keeps nothing else from stopping. */
  #endRun(): void {
    try {
      this.#run.unsubscribe();
    } catch (error) {
      this.#lastError = error;
      this.tree.logger.error(`${this.path} failed as it was stopped`, { error });
    }
  }

  #stopChildren(): void {
    // One that fails on its way out may start another.
    while (this.#children.size > 0) {
      for (const child of [...this.#children].reverse()) {
        child.stop();
        this.#forget(child);
      }
    }
  }

  /** Its behaviour is over, and cannot be resumed. */
  #fail(error: unknown): void {
    this.#lastError = error;
    const verdict = this.#supervision.judge(error);
    if (this.isStopped) return;
    this.#obey(verdict.kind === 'resume' ? this.#supervision.restart({}) : verdict, error);
  }

  /** What became too much for a child, which has stopped. */
  #takeOn(error: unknown): void {
    if (this.#state !== 'running') return;
    this.#lastError = error;
    const verdict = this.#supervision.judge(error);
    if (this.isStopped) return;
    if (verdict.kind === 'resume') this.#noteFailure(error, 'resumed');
    else this.#obey(verdict, error);
  }

  #obey(verdict: Verdict, error: unknown): void {
    if (verdict.kind === 'restart') {
      this.#stopChildren();
      this.#endRun();
      this.#noteFailure(error, `restarted in ${String(Math.round(verdict.waitMs))} ms`);
      this.#to('waiting');
      this.#startIn(verdict.waitMs, true);
      return;
    }
    const heir = verdict.kind === 'escalate' ? this.#heir() : undefined;
    if (heir) this.#noteFailure(error, `stopped, and ${heir.path} is told`);
    else this.tree.logger.error(`${this.path} failed and stays stopped`, { error });
    this.#stop({ error });
    if (heir) heir.#takeOn(error);
  }

  /** Who takes on what it cannot get over. */
  #heir(): Actor | undefined {
    const parent = this.#parent;
    return this.#options.escalates === true && parent && parent.#options.escalates === true ? parent : undefined;
  }

  #noteFailure(error: unknown, what: string): void {
    this.#lastError = error;
    this.tree.logger.warn(`${this.path} failed and is ${what}`, { error });
    this.tell();
  }

  #forget(child: Actor): void {
    if (!this.#children.delete(child)) return;
    const name = child.path.slice(this.path.length + 1);
    if (this.#names.get(name) === child) this.#names.delete(name);
    this.tell();
  }

  #to(state: ActorStatus['state']): void {
    this.#state = state;
    this.tell();
  }
}
