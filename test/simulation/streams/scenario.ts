import { inspect } from 'node:util';
import { from, type Observable, Subject, takeUntil } from 'rxjs';
import { channel, contract, isSkeinError, type Node, sink, stream } from '../../../lib/index.js';
import type { SimNode, World } from '../../../lib/testing.js';
import { Dice } from '../dice.js';
import { type Plan, type Run, Way } from './way.js';

const Flow = contract('flow', '1.0', {
  give: stream<number, number>(),
  take: sink<number, number, number>(),
  swap: channel<number, number, number>(),
});

const verbs = ['give', 'take', 'swap'] as const;

/** How long streams are opened, and how long the longest may go on, in ms. */
export const busyMs = 5_000;
const longestMs = 10_000;
/** How long all that was broken may take to be known by both ends, and what goes on to end. */
const restMs = longestMs + 15_000;
const streamsMax = 12;
const inputCredit = 256;

/** Some nodes that open streams at each other, in all three ways, fast and slow, and let go of some. */
export class Streams {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #problems: string[] = [];
  readonly #ways: { readonly given: Way; readonly taken: Way }[] = [];
  readonly #nodes = new Map<string, { readonly node: SimNode; run: Run | undefined }>();

  constructor(world: World) {
    this.#world = world;
    this.#dice = new Dice(world.seed);
  }

  async run(): Promise<void> {
    for (const name of ['api', 'web']) this.#start(name, (node, run) => this.#open(node, run));
    for (const name of ['a', 'b']) this.#start(name, (node, run) => this.#serve(node, run));
    await this.#world.afterFaults(busyMs + restMs);
    for (const { given, taken } of this.#ways) this.#problems.push(...given.left, ...taken.left);
    if (this.#problems.length > 0) throw new Error(this.#problems.slice(0, 5).join('\n'));
  }

  /** Each run of its process is told apart: what a killed one had open stays so, and is no one's fault. */
  #start(name: string, program: (node: Node, run: Run) => unknown): void {
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: (message: string) => {
        if (message.includes('is refused')) this.#problems.push(`one side says what it may not say: ${message}`);
      },
      error: (message: string, { error }: { readonly error?: unknown } = {}) => {
        this.#problems.push(`an error is logged: ${message}: ${String(error)}`);
      },
    };
    const node = this.#world.node(
      name,
      (own) => {
        const host = this.#nodes.get(name);
        if (host?.run) host.run.isDead = true;
        const run: Run = { name, isDead: false };
        if (host) host.run = run;
        return program(own, run);
      },
      { logger },
    );
    this.#nodes.set(name, { node, run: undefined });
  }

  #serve(node: Node, run: Run): unknown {
    return node.serve(Flow, {
      give: (id) => this.#way(id).given.source(run),
      take: (item$, { open }) => this.#way(open).taken.consume(item$, run),
      swap: (item$, { open }) => {
        const { given, taken } = this.#way(open);
        // What becomes of it is seen by its ways.
        taken.consume(item$, run).catch(ignore);
        return given.source(run);
      },
    });
  }

  /** Opens some, each after a while, and lets go of some of those; what is left is let go of as the run ends. */
  #open(node: Node, run: Run): () => void {
    const over$ = new Subject<void>();
    const timers = Array.from({ length: this.#dice.below(streamsMax) + 1 }, () => {
      const letGo$ = new Subject<void>();
      const opening = setTimeout(() => {
        this.#openOne(node, run, (items$) => items$.pipe(takeUntil(over$), takeUntil(letGo$)));
      }, this.#dice.below(busyMs));
      if (!this.#dice.chance(0.3)) return [opening];
      const letGo = (): void => {
        letGo$.next();
      };
      return [opening, setTimeout(letGo, this.#dice.below(2 * busyMs))];
    }).flat();
    return () => {
      for (const timer of timers) clearTimeout(timer);
      over$.next();
    };
  }

  #openOne(node: Node, run: Run, until: <T>(items$: Observable<T>) => Observable<T>): void {
    const id = this.#ways.length;
    const verb = this.#dice.pick(verbs) ?? 'give';
    const plan = this.#plan();
    const tell = (problem: string): void => {
      this.#problems.push(problem);
    };
    const what = `${verb} ${String(id)} from ${plan.from} into ${plan.into}`;
    const given = new Way(what, plan, tell);
    const taken = new Way(`inputs of ${what}`, { ...this.#plan(), credit: inputCredit }, tell);
    this.#ways.push({ given, taken });
    const client = node.client(Flow, { timeoutMs: 3_000 });
    const { credit } = plan;
    let isOver = false;
    const ended = (error?: unknown): void => {
      if (isOver) tell(`a stream ends twice: ${what}`);
      isOver = true;
      // What this side let go of completes by that.
      if (error !== undefined && (!isSkeinError(error) || isUnheard(error.code))) {
        tell(`a stream fails by ${inspect(error)}: ${what}`);
      }
    };
    if (verb === 'take') {
      until(from(client.take(taken.source(run), { open: id }))).subscribe({ error: ended, complete: ended });
      return;
    }
    // Its consumer is let go of by a signal, in the midst of its work.
    const letGo = new AbortController();
    const options = { credit, signal: letGo.signal };
    const items = verb === 'give' ? client.give(id, options) : client.swap(taken.source(run), { ...options, open: id });
    until(from(given.consume(items, run)))
      .subscribe({ error: ended, complete: ended })
      .add(() => {
        letGo.abort();
      });
  }

  #way(id: number): { readonly given: Way; readonly taken: Way } {
    const way = this.#ways[id];
    if (!way) throw new Error(`no stream ${String(id)} was opened`);
    return way;
  }

  #plan(): Plan {
    const count = this.#dice.pick([0, 1, 7, 100, 1_000]) ?? 0;
    const paceMs = this.#dice.chance(0.5) ? 0 : Math.min(50, Math.floor(longestMs / (count + 1)));
    return {
      count,
      credit: this.#dice.pick([1, 2, 16, 256]) ?? 256,
      from: this.#dice.pick(['a generator', 'an async generator', 'demand'] as const) ?? 'demand',
      into: paceMs === 0 ? 'next' : (this.#dice.pick(['a loop', 'consume'] as const) ?? 'a loop'),
      paceMs,
      atOnce: 1 + this.#dice.below(4),
    };
  }
}

const ignore = (): void => undefined;

/** What no stream of these may ever fail by. */
const isUnheard = (code: string): boolean =>
  ['protocol-error', 'remote-error', 'invalid-argument', 'no-such-method'].includes(code);
