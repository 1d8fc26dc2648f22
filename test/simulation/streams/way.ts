import { Observable } from 'rxjs';
import { setTimeout as sleep } from 'node:timers/promises';
import { consume, fromDemand, type Source, type Stream } from '../../../lib/index.js';

/** What one way of a stream is to be. */
export interface Plan {
  readonly count: number;
  /** What its producer may be ahead. */
  readonly credit: number;
  readonly from: 'a generator' | 'an async generator' | 'demand';
  readonly into: 'next' | 'a loop' | 'consume';
  /** How long its consumer takes for each item, where it takes any time, and how many it takes at once. */
  readonly paceMs: number;
  readonly atOnce: number;
}

/** Whoever holds an end of a way: a run of a process. */
export interface Run {
  readonly name: string;
  /** Whether the run was killed, after which nobody is there to let go of anything. */
  isDead: boolean;
}

/** One way of a stream as both of its ends see it, which one process sees in a simulation: what is produced, and what is consumed. */
export class Way {
  readonly #what: string;
  readonly #plan: Plan;
  readonly #tell: (problem: string) => void;
  #produced = 0;
  #taken = 0;
  #consumed = 0;
  /** Those who have an end of it open. */
  readonly #open = new Map<'produced' | 'consumed', Run>();

  /** `tell` is told of each rule that it breaks. */
  constructor(what: string, plan: Plan, tell: (problem: string) => void) {
    this.#what = what;
    this.#plan = plan;
    this.#tell = tell;
  }

  get isBegun(): boolean {
    return this.#produced > 0 || this.#open.size > 0;
  }

  /** Its items, by who is to produce them. */
  source(run: Run): Source<number> {
    const { from } = this.#plan;
    if (from === 'a generator') return this.#generate(run);
    return from === 'demand' ? this.#demanded(run) : this.#generateSlowly(run);
  }

  /** Takes all items, and goes on until they are over; errors where they do. */
  async consume(items: Stream<number>, run: Run): Promise<number> {
    this.#open.set('consumed', run);
    try {
      await this.#consumeAll(items);
      if (this.#consumed !== this.#plan.count) this.#tell(`a stream is complete without all of its items: ${this.#state}`);
      return this.#consumed;
    } finally {
      this.#open.delete('consumed');
    }
  }

  /** What is still open of it, though nobody should have it open any more. */
  get left(): readonly string[] {
    return [...this.#open].flatMap(([end, { name, isDead }]) =>
      isDead ? [] : [`an end of a stream stays open: ${this.#state}, is still ${end} at ${name}`],
    );
  }

  get #state(): string {
    const { count, credit } = this.#plan;
    const [produced, consumed] = [this.#produced, this.#consumed].map(String);
    return `${this.#what}, ${String(produced)} produced and ${String(consumed)} consumed of ${String(count)}, credit ${String(credit)}`;
  }

  #produce(): number {
    this.#produced += 1;
    if (this.#produced - this.#consumed > this.#plan.credit) {
      this.#tell(`a producer is further ahead than its credit: ${this.#state}`);
    }
    return this.#produced - 1;
  }

  *#generate(run: Run): Generator<number> {
    this.#open.set('produced', run);
    try {
      while (this.#produced < this.#plan.count) yield this.#produce();
    } finally {
      this.#open.delete('produced');
    }
  }

  async *#generateSlowly(run: Run): AsyncGenerator<number> {
    this.#open.set('produced', run);
    try {
      while (this.#produced < this.#plan.count) {
        if (this.#produced % 7 === 3) await sleep(1);
        yield this.#produce();
      }
    } finally {
      this.#open.delete('produced');
    }
  }

  #demanded(run: Run): Stream<number> {
    return fromDemand(
      (credit$) =>
        new Observable((subscriber) => {
          this.#open.set('produced', run);
          let wanted = 0;
          let isEmitting = false;
          subscriber.add(() => this.#open.delete('produced'));
          const emit = (more: number): void => {
            wanted += more;
            if (isEmitting) return;
            isEmitting = true;
            for (; wanted > 0 && this.#produced < this.#plan.count && !subscriber.closed; wanted -= 1) {
              subscriber.next(this.#produce());
            }
            isEmitting = false;
            if (this.#produced >= this.#plan.count) subscriber.complete();
          };
          return credit$.subscribe({ next: emit, error: (error: unknown) => subscriber.error(error) });
        }),
    );
  }

  #take(item: number): void {
    if (item !== this.#taken) {
      this.#tell(`an item comes out of order: ${this.#state}: ${String(item)} in the place of ${String(this.#taken)}`);
    }
    this.#taken += 1;
  }

  async #consumeAll(items: Stream<number>): Promise<void> {
    const { into, paceMs, atOnce } = this.#plan;
    const done = (): void => {
      this.#consumed += 1;
    };
    if (into === 'a loop') {
      for await (const item of items) {
        this.#take(item);
        if (paceMs > 0) await sleep(paceMs);
        done();
      }
      return;
    }
    const work = async (item: number): Promise<void> => {
      this.#take(item);
      if (paceMs > 0) await sleep(paceMs);
      done();
    };
    const plainly = (item: number): void => {
      this.#take(item);
      done();
    };
    await (into === 'next' ? items.forEach(plainly) : items.pipe(consume(work, atOnce)).forEach(() => undefined));
  }
}
