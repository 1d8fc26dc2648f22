import { defer, finalize, from, type Observable, Subject, tap } from 'rxjs';
import { invalidArgument, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Call } from '../operators/lazy-call.js';
import type { Actor } from './actor.js';
import { type ActorStatus, type Stopped } from './actor.js';
import { AskCall, type AskOptions, type Question } from './ask.js';
import type { ActorRef, Behavior, Self, Spawn, SpawnOptions } from './behavior.js';
import { Inbox, Letter } from './inbox.js';
import { spawnProblems } from './spawn-problems.js';
import { reducerOf } from './stateful.js';
import type { Strategy } from './supervision.js';

type AnyOptions = SpawnOptions<Strategy | 'resume'>;

/** Spawns actors below that one, for as long as it is not over. */
export const spawnBelow = (parent: Actor, isOver: () => boolean = never): Spawn => {
  let count = 0;
  const nextName = (): string => {
    let name: string;
    do name = `actor-${String((count += 1))}`;
    while (parent.hasChild(name));
    return name;
  };
  const spawn = <M, Event>(behavior: Behavior<M, Event>, options: AnyOptions = {}): ActorRef<M, Event> => {
    const problems = spawnProblems(behavior, options, parent);
    if (problems.length > 0) throw invalidArgument(...problems);
    if (isOver()) throw new SkeinError('closed', { what: parent.path }, { message: `this run of ${parent.path} is over` });
    if (parent.childCount >= limits.childrenMax) {
      const message = `${parent.path} has ${String(parent.childCount)} actors below it, which is all that it may have`;
      throw new SkeinError('overloaded', { retryAfterMs: undefined }, { message });
    }
    return new SpawnedActor(parent, options.name ?? nextName(), behavior, options);
  };
  return spawn;
};

/** A behaviour with a mailbox, as one actor of the tree. */
class SpawnedActor<M, Event> implements ActorRef<M, Event> {
  readonly #behavior: Behavior<M, Event>;
  readonly #inbox: Inbox<M>;
  readonly #actor: Actor;
  readonly #event$ = new Subject<Event>();
  /** Events since the process last did anything else, as far as they are watched. */
  #emitted = 0;

  constructor(parent: Actor, name: string, behavior: Behavior<M, Event>, { mailbox = {}, supervise = 'restart' }: AnyOptions) {
    const overflow = mailbox.overflow ?? 'fail';
    const max = overflow === 'latest' ? 1 : (mailbox.max ?? limits.actorMailboxMax);
    this.#behavior = behavior;
    const changed = (): void => {
      this.#actor.tell();
    };
    this.#inbox = new Inbox({ path: `${parent.path}/${name}`, max, overflow, changed }, parent.tree);
    const options = { supervise, mailbox: this.#inbox, escalates: true, startsLater: true };
    this.#actor = parent.spawn(name, (actor) => this.#run(actor), options);
    this.#actor.stopped$.subscribe({
      next: () => {
        this.#close();
      },
      error: (error: unknown) => this.#event$.error(error),
    });
  }

  get path(): string {
    return this.#actor.path;
  }

  get event$(): Observable<Event> {
    return this.#event$.asObservable();
  }

  get status$(): Observable<ActorStatus> {
    return this.#actor.status$;
  }

  get stopped$(): Observable<Stopped> {
    return this.#actor.stopped$;
  }

  send(message: M): PromiseLike<void> {
    return this.#inbox.put(new Letter(message));
  }

  ask<R>(question: Question<M, R>, options: AskOptions = {}): Call<R> {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it is an Observable by structure, which RxJS asks for
    return new AskCall(this.#inbox, this.#actor.tree, question, options);
  }

  stop(): void {
    this.#actor.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  /** The behaviour, once. */
  #run(actor: Actor): Observable<unknown> {
    const over = new AbortController();
    const { signal } = over;
    let failure: unknown;
    const self: Self<M> = {
      path: actor.path,
      signal,
      clock: actor.tree.clock,
      spawn: spawnBelow(actor, () => signal.aborted),
      send: (message) => this.send(message),
    };
    const message$ = this.#inbox.open(signal);
    const reduce = reducerOf(this.#behavior);
    return defer(() =>
      reduce ? reduce(message$, self, (error) => this.#skips(error)) : from(this.#behavior(message$, self)),
    ).pipe(
      tap({
        next: (event) => {
          this.#emit(event);
        },
        error: (error: unknown) => (failure = error),
      }),
      finalize(() => {
        over.abort(new SkeinError('closed', { what: actor.path }, { message: `this run of ${actor.path} is over` }));
        this.#inbox.endRun(failure);
      }),
    );
  }

  #skips(error: unknown): boolean {
    if (!this.#actor.resumes(error)) return false;
    this.#inbox.skip(error);
    return true;
  }

  #emit(event: Event): void {
    this.#emitted += 1;
    if (this.#emitted === watchedFrom) this.#watchEmitted();
    if (this.#emitted > limits.eventsPerTurnMax) {
      const message = `it emitted more than ${String(limits.eventsPerTurnMax)} events and let nothing else run`;
      throw new SkeinError('overloaded', { retryAfterMs: undefined }, { message });
    }
    this.#event$.next(event);
  }

  /** A clock that is asked about every event would cost more than most events do. */
  #watchEmitted(): void {
    this.#actor.tree.clock.schedule(() => {
      this.#emitted = 0;
    }, 0);
  }

  #close(): void {
    const dead = this.#inbox.close();
    if (dead > 0) this.#actor.tree.logger.warn(`${this.path} stopped, and its mailbox with it: ${String(dead)} waited there`);
    this.#event$.complete();
  }
}

const never = (): boolean => false;

const watchedFrom = 65_536;
