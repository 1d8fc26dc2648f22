import { BehaviorSubject, defer, filter, finalize, firstValueFrom, map, Observable, switchMap, take, timer } from 'rxjs';
import { isSkeinError, SkeinError } from '../../core/errors.js';
import type { Node } from '../../node/node.js';
import type { SimCluster } from '../cluster/sim-cluster.js';
import type { HostOptions, SimProcess } from '../cluster/sim-process.js';
import { Place } from '../time/place.js';
import { Asking } from './asking.js';
import { end } from './cleanup.js';
import type { AfflictedDirectory } from './faults.js';
import { asked, within } from './within.js';

/** What a node does, at each of its starts; what it gives back ends what it began, when its node is closed. */
export type Program = (node: Node) => unknown;

type State =
  | { readonly is: 'new' | 'starting' }
  | { readonly is: 'up'; readonly process: SimProcess }
  | { readonly is: 'down'; readonly why: string };

/** One host of a scenario: starts its node and the node's program, again after each kill. */
export class Member implements AfflictedDirectory {
  readonly name: string;
  readonly #cluster: SimCluster;
  readonly #program: Program;
  readonly #options: HostOptions;
  readonly #failed: (error: unknown) => void;
  readonly #asks = new Set<Asking>();
  readonly #state$ = new BehaviorSubject<State>({ is: 'new' });
  /** What its program gave back. */
  #cleanup: unknown;
  /** The start that is under way. */
  #starting: Promise<void> | undefined;
  /** The process that drains, to end then. */
  #leaving: SimProcess | undefined;
  /** Whoever left last has left. */
  #left: Promise<unknown> = Promise.resolve();
  /** What the start before this one came to. */
  #former: Promise<unknown> = Promise.resolve();
  /** What has become of the directory as this host sees it, whichever process looks. */
  #isOut = false;
  #isStale = false;
  /** By how much its host's clock was set since, in ms, and when the host first ran: its clock goes on being wrong, whichever process looks. */
  #jumpedMs = 0;
  #firstMs: number | undefined;
  /** Whether it is to be paused as soon as its program has begun. */
  #pausesFirst = false;

  /** `failed` is told of what the program throws. */
  constructor(cluster: SimCluster, name: string, program: Program, options: HostOptions, failed: (error: unknown) => void) {
    this.#cluster = cluster;
    this.name = name;
    this.#program = program;
    this.#options = options;
    this.#failed = failed;
  }

  /** The node that runs. Throws `closed` where there is none. */
  get node(): Node {
    return this.process.node;
  }

  get process(): SimProcess {
    const state = this.#state$.value;
    if (state.is !== 'up') throw this.#downError(state, 'no');
    return state.process;
  }

  get isUp(): boolean {
    return this.#state$.value.is === 'up';
  }

  get isDown(): boolean {
    return this.#state$.value.is === 'down';
  }

  /** Starts it with all the others, unless it was killed before that. */
  async begin(): Promise<void> {
    if (!this.isDown) await this.start();
    if (this.#pausesFirst) this.pause();
  }

  /** Resolves once its program has done what it does at first, or it is down again; does nothing where it is up. One that leaves comes back. */
  start(): Promise<void> {
    const starting = (this.#starting ??= this.#begin());
    return starting.finally(() => {
      if (this.#starting === starting) this.#starting = undefined;
    });
  }

  async #begin(): Promise<void> {
    const state = this.#state$.value;
    if (state.is === 'up' && state.process === this.#leaving) {
      await firstValueFrom(this.#state$.pipe(filter(({ is }) => is === 'down')), { defaultValue: state });
      // Unless it was killed meanwhile, or all is over.
      return this.#leaving === state.process ? this.#begin() : undefined;
    }
    if (state.is === 'up' || state.is === 'starting') return;
    const starting: State = { is: 'starting' };
    this.#state$.next(starting);
    const making = this.#former.then(() => this.#make(starting));
    this.#former = making;
    const process = await making;
    if (!process) return;
    if (this.#isOut) process.matchmaker.fail();
    process.matchmaker.isStale = this.#isStale;
    this.#state$.next({ is: 'up', process });
    const ran = new Promise<void>((resolve) => {
      process.enter(() => {
        void this.#run(process).then(resolve);
      });
    });
    await Promise.race([ran, this.#over(process)]);
  }

  /** One behind the other, for a host has one process at a time; undefined where it was killed as it started. */
  async #make(starting: State): Promise<SimProcess | undefined> {
    const isWanted = (): boolean => this.#state$.value === starting;
    if (!isWanted()) return undefined;
    try {
      await this.#cluster.start(this.name, { ...this.#options, skewMs: this.#skewMs() });
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
    if (isWanted()) return this.#cluster.process(this.name);
    this.#cluster.kill(this.name);
    return undefined;
  }

  kill(): void {
    this.#leaving = undefined;
    this.#starting = undefined;
    this.#cleanup = undefined;
    this.#cluster.kill(this.name);
    this.#fall('was killed');
  }

  /** By how much the clock of its host is wrong now. */
  #skewMs(): number {
    const { skewMs = 0, drift = 0 } = this.#options;
    const nowMs = this.#cluster.now();
    this.#firstMs ??= nowMs;
    return skewMs + this.#jumpedMs + drift * (nowMs - this.#firstMs);
  }

  pause(): void {
    this.#pausesFirst = !this.isUp && !this.isDown;
    this.#cluster.pause(this.name);
  }

  resume(): void {
    this.#pausesFirst = false;
    this.#cluster.resume(this.name);
  }

  fail(): void {
    this.#isOut = true;
    if (this.isUp) this.process.matchmaker.fail();
  }

  restore(): void {
    this.#isOut = false;
    if (this.isUp) this.process.matchmaker.restore();
  }

  set isStale(isStale: boolean) {
    this.#isStale = isStale;
    if (this.isUp) this.process.matchmaker.isStale = isStale;
  }

  jump(ms: number): void {
    this.#jumpedMs += ms;
    if (this.isUp) this.process.clock.jump(ms);
  }

  /** Drains or closes its node, and ends as a program does; does nothing where it is down. Resolves with what the node says, unless it is killed meanwhile. */
  leave<T>(go: (node: Node) => Promise<T>): Promise<{ readonly said: T } | undefined> {
    const leaving = this.#leave(go, this.#left);
    this.#left = leaving.catch(ignore);
    return leaving;
  }

  async #leave<T>(go: (node: Node) => Promise<T>, others: Promise<unknown>): Promise<{ readonly said: T } | undefined> {
    if (!this.isUp) return undefined;
    const { process } = this;
    const isFirst = this.#leaving !== process;
    this.#leaving = process;
    const left = await Promise.race([within(process, go).then((said) => ({ said })), this.#over(process)]);
    try {
      // Who joins those that leave has left when they have.
      if (!isFirst) await others;
      else if (left) await Promise.race([this.#end(process), this.#over(process)]);
    } finally {
      if (isFirst && isRunOf(this.#state$.value, process)) {
        this.#cluster.forget(this.name);
        this.#fall('has left');
      }
    }
    return process.wasKilled ? undefined : left;
  }

  /** Resolves once that process is no more. */
  async #over(process: SimProcess): Promise<undefined> {
    await firstValueFrom(this.#state$.pipe(filter((state) => !isRunOf(state, process))), { defaultValue: undefined });
  }

  /** What the scenario has asked it for and still waits for, each in words. */
  get pending(): readonly string[] {
    return [...this.#asks].map(String);
  }

  /** Ends what its program began, so that its node can be closed; says what that has left under way. */
  async end(): Promise<readonly string[]> {
    this.resume();
    await this.#left;
    this.#leaving = undefined;
    const state = this.#state$.value;
    if (state.is !== 'up') return [];
    await this.#end(state.process);
    const { unfinished } = await within(state.process, (node) => node.drain({ timeoutMs: endMs }));
    // Before its node is closed: whoever tries again at once would try for ever.
    this.#fall('is closed');
    return unfinished.map((what) => `a request is left pending: ${this.name} was ${what}`);
  }

  /** What the node is asked for, as soon as it is up, and again at each later start. */
  follow<T>(ask: (node: Node) => Observable<T>): Observable<T> {
    return this.#state$.pipe(
      filter((state) => state.is === 'up'),
      switchMap(({ process }) => asked(process, ask)),
    );
  }

  /**
   * What the node is asked for once, as soon as it is up; errors `closed` where it is down, or is killed meanwhile. `what` says it in words,
   * and `place` where it was asked.
   */
  ask<T>(what: string, ask: (node: Node) => Observable<T>, place = new Place()): Observable<T> {
    const answer$ = this.#state$.pipe(
      filter((state) => state.is === 'up' || state.is === 'down'),
      take(1),
      switchMap((state) => {
        if (state.is === 'down') return this.#refused(state);
        return this.#whileUp(state.process, asked(state.process, ask));
      }),
    );
    return defer(() => {
      const asking = new Asking(`${what} of ${this.name}`, place);
      this.#asks.add(asking);
      return answer$.pipe(finalize(() => this.#asks.delete(asking)));
    });
  }

  /** Not at once, or who asks again and again would let no time pass. */
  #refused(state: State): Observable<never> {
    return timer(1, this.#cluster.sim.clock).pipe(
      map(() => {
        throw this.#downError(state, 'no');
      }),
    );
  }

  #whileUp<T>(process: SimProcess, source$: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      subscriber.add(source$.subscribe(subscriber));
      subscriber.add(
        this.#state$.pipe(filter((state) => !isRunOf(state, process))).subscribe({
          next: (state) => {
            subscriber.error(this.#downError(state, 'unknown'));
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
        }),
      );
    });
  }

  async #run(process: SimProcess): Promise<void> {
    try {
      const cleanup: unknown = await this.#program(process.node);
      if (isRunOf(this.#state$.value, process)) this.#cleanup = cleanup;
      else await end(cleanup);
    } catch (error) {
      // Of one that leaves before its program has begun all that it begins, the node says so.
      const isLeaving = this.#leaving === process || !isRunOf(this.#state$.value, process);
      if (!process.wasKilled && !(isLeaving && isSkeinError(error, 'closed'))) this.#failed(error);
    }
  }

  async #end(process: SimProcess): Promise<void> {
    const cleanup = this.#cleanup;
    this.#cleanup = undefined;
    let ended: Promise<void> | undefined;
    process.enter(() => {
      ended = end(cleanup);
    });
    await ended;
  }

  #fall(why: string): void {
    if (this.#state$.value.is !== 'down') this.#state$.next({ is: 'down', why });
  }

  #downError(state: State, ran: 'no' | 'unknown'): SkeinError {
    const why = state.is === 'down' ? state.why : 'has not started yet';
    return new SkeinError('closed', { what: `node ${this.name}` }, { ran, message: `the node ${this.name} ${why}` });
  }
}

/** How long what is under way may still take once all programs have ended, in ms. */
const endMs = 5_000;

const isRunOf = (state: State, process: SimProcess): boolean => state.is === 'up' && state.process === process;

/** Told to whoever has asked for it. */
const ignore = (): void => undefined;
