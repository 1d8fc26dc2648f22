import { AsyncLocalStorage } from 'node:async_hooks';
import { SeededRandom } from '../adapters/sim/seeded-random.js';
import { LoopError, type VirtualClock } from '../adapters/sim/virtual-clock.js';
import { invalidArgument, isSkeinError } from '../core/errors.js';
import { currentDoer } from './current.js';
import { UncaughtWatch } from './leaks/uncaught-watch.js';
import { SubscriptionWatch } from './leaks/subscription-watch.js';
import { Expectations } from './marbles/expectations.js';
import { formatMs } from './marbles/draw.js';
import { Sources } from './marbles/sources.js';
import { Timetable } from './marbles/timetable.js';
import { VirtualGlobals } from './time/virtual-globals.js';

/** One at a time in a process, since there is one `setTimeout` for all. */
const playing = new AsyncLocalStorage<true>();
let last: Promise<unknown> = Promise.resolve();

const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
  if (playing.getStore()) throw invalidArgument('a scenario cannot run within another one: let the other one end first');
  const mine = last.then(() => playing.run(true, work));
  last = mine.catch(() => undefined);
  return mine;
};

/** What is wrong with a scenario once it is over, each in words. */
export class ScenarioError extends Error {
  readonly problems: readonly string[];
  /** What is the same whenever the scenario fails by the same fault of what is tested, where that is known. */
  readonly bug: string | undefined;

  constructor(problems: readonly string[], { bug, ...options }: ErrorOptions & { readonly bug?: string } = {}) {
    super(problems.join('\n\n'), options);
    this.bug = bug;
    this.name = 'ScenarioError';
    this.problems = problems;
  }
}

/** What a scenario plays on. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly timetable: Timetable;
  readonly sources: Sources;
  readonly expectations: Expectations;
  /** Ends the scenario with that error. */
  readonly fail: (error: unknown) => void;
}

/** A scenario, and what takes part in it besides its diagrams. */
export interface Scene {
  /** The scenario's own steps. */
  act(): unknown;
  /** Brings all to where the first frame can begin. */
  ready(): Promise<void>;
  /** The nodes whose programs begin or end at present. */
  readonly busy: readonly string[];
  /** Has all programs end what they have begun; says what is still under way. */
  end(): Promise<readonly string[]>;
  /** Closes all nodes; says what is left of them. */
  close(): Promise<readonly string[]>;
  /** Says what is left when all that was under way is over. */
  rest(): Promise<readonly string[]>;
  /** Ends all at once, where the scenario has failed. */
  abandon(): Promise<void>;
}

/**
 * Runs a scenario in virtual time, within `limitMs` of it, and rejects with all that is wrong: what the scenario throws, where diagrams
 * part, what is left open.
 */
export const play = ({ clock, limitMs, seed }: Rules, prepare: (stage: Stage) => Scene): Promise<void> =>
  inTurn(async () => {
    const [startMs, random] = [clock.now(), new SeededRandom(~seed)];
    const own = { clock, uptime: () => clock.now() - startMs, chance: () => random.next() };
    const globals = new VirtualGlobals(() => currentDoer() ?? own);
    const subscriptions = new SubscriptionWatch();
    const uncaught = new UncaughtWatch();
    globals.install();
    subscriptions.install();
    try {
      const problems = await perform({ clock, limitMs, globals, subscriptions, uncaught }, prepare);
      if (problems.length > 0) throw new ScenarioError(problems);
    } finally {
      uncaught.uninstall();
      subscriptions.uninstall();
      globals.uninstall();
    }
  });

interface Rules {
  readonly clock: VirtualClock;
  readonly limitMs: number;
  /** What the chance follows from that users' code has. */
  readonly seed: number;
}

interface Surroundings {
  readonly clock: VirtualClock;
  readonly limitMs: number;
  readonly globals: VirtualGlobals;
  readonly subscriptions: SubscriptionWatch;
  readonly uncaught: UncaughtWatch;
}

const perform = async (
  { clock, limitMs, globals, subscriptions, uncaught }: Surroundings,
  prepare: (stage: Stage) => Scene,
): Promise<readonly string[]> => {
  const timetable = new Timetable(clock);
  const sources = new Sources(timetable);
  const expectations = new Expectations(timetable, sources);
  const run = new Run(clock, limitMs, () => globals.pending);
  uncaught.install(run.fail);
  const scene = prepare({ clock, timetable, sources, expectations, fail: run.fail });
  try {
    const acting = new Promise((resolve) => {
      resolve(scene.act());
    });
    acting.catch(run.fail);
    const programs = (): string => `the programs of ${scene.busy.join(', ')}`;
    await run.until(programs, scene.ready());
    timetable.start();
    await run.until(() => 'the steps of the scenario', acting);
    do await run.pass('the diagrams', Math.max(0, timetable.leftMs));
    while (timetable.leftMs > 0);
    await run.linger(lingerMs);
    const problems = [...expectations.judge()];
    // What this lets go was not let go by what is tested.
    expectations.close();
    // Whoever sees something else may well have left something open because of it.
    if (problems.length === 0) problems.push(...(await run.until(programs, scene.end())));
    if (problems.length > 0) {
      await scene.abandon();
      return problems;
    }
  } catch (error) {
    await scene.abandon();
    throw error;
  }
  const left = await scene.close();
  sources.close();
  await clock.advance(0);
  const open = [
    ...left,
    ...subscriptions.open.map((place) => `a subscription is left open, made at ${place}`),
    ...globals.pending.map((timer) => `a timer is left running: ${timer}`),
  ];
  run.check();
  if (open.length > 0) return open;
  const rest = await scene.rest();
  run.check();
  return rest;
};

/** How long all is watched after the longest diagram, so that what should not come is seen. */
const lingerMs = 10_000;

/** Lets time pass until something is over, has failed, or takes too long. */
class Run {
  readonly #clock: VirtualClock;
  readonly #untilMs: number;
  readonly #limitMs: number;
  readonly #running: () => readonly string[];
  #failure: { readonly error: unknown } | undefined;

  /** `running` are the timers that are set, in words. */
  constructor(clock: VirtualClock, limitMs: number, running: () => readonly string[]) {
    this.#clock = clock;
    this.#running = running;
    this.#limitMs = limitMs;
    this.#untilMs = clock.now() + limitMs;
  }

  /** Throws the failure, if there is one by now. */
  check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** The first failure is the scenario's. */
  readonly fail = (error: unknown): void => {
    this.#failure ??= { error };
  };

  async until<T>(what: () => string, promise: Promise<T>): Promise<T> {
    let isOver = false;
    promise
      .catch(this.fail)
      .finally(() => (isOver = true))
      .catch(this.fail);
    await this.#guard(what, () => this.#clock.runUntil(() => isOver || this.#failure !== undefined, this.#leftMs));
    return promise;
  }

  /** Lets all happen that happens within so long. */
  async pass(what: string, ms: number): Promise<void> {
    await this.#guard(
      () => what,
      () => {
        if (ms > this.#leftMs) this.#tooLong(what);
        return this.#clock.advance(Math.min(ms, this.#leftMs));
      },
    );
  }

  /** Lets all happen that happens within so long, or within what is left. */
  async linger(ms: number): Promise<void> {
    await this.pass('the diagrams', Math.min(ms, this.#leftMs));
  }

  async #guard(what: () => string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (error instanceof LoopError) this.#stuck(what(), `stand still at ${formatMs(this.#frame)}: ${error.message}`);
      else if (!isSkeinError(error, 'deadline-exceeded')) throw error;
      else if (this.#clock.pending > 0) this.#tooLong(what());
      else this.fail(new ScenarioError([`${what()} wait for what will never happen`]));
    }
    this.check();
  }

  get #leftMs(): number {
    return this.#untilMs - this.#clock.now();
  }

  get #frame(): number {
    return this.#limitMs - this.#leftMs;
  }

  #tooLong(what: string): void {
    this.#stuck(what, `are not over after ${formatMs(this.#limitMs)} of virtual time`);
  }

  #stuck(what: string, how: string): void {
    const running = this.#running();
    const still = running.length === 0 ? '' : `; still running: ${running.slice(0, toldMax).join('; ')}`;
    this.fail(new ScenarioError([`${what} ${how}${still}`]));
  }
}

/** Timers that are told of, at the most. */
const toldMax = 5;
