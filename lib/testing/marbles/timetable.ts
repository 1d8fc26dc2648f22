import { Subscription } from 'rxjs';
import { invalidArgument } from '../../core/errors.js';
import type { Clock } from '../../ports/clock.js';
import { type Mark, readDiagram, type Step } from './diagram.js';

type Named = Extract<Mark, { readonly kind: 'next' }>;

/** The frames of one play: its first, how long its diagrams are, and what happens when. One frame is 1 ms. */
export class Timetable {
  readonly #clock: Clock;
  readonly #atStart: (() => void)[] = [];
  #startMs: number | undefined;
  #lengthMs = 0;
  /** When the last fault has ended, and how many have begun and take their time. */
  #quietMs = 0;
  #underWay = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Until the end of the longest of all diagrams that were read, in ms. */
  get leftMs(): number {
    return this.#lengthMs - this.frame;
  }

  /** Whether the first frame has come. */
  get hasStarted(): boolean {
    return this.#startMs !== undefined;
  }

  /** Ms since the first frame, or 0 before. */
  get frame(): number {
    return this.#startMs === undefined ? 0 : this.#clock.now() - this.#startMs;
  }

  /** Reads a diagram, in which only such marks may stand. Throws `invalid-argument`. */
  read(marbles: string, what: string, kinds: readonly Mark['kind'][], allowsWithin = false): readonly Step[] {
    const steps = readDiagram(marbles);
    const odd = steps.find(({ mark: { kind }, withinMs }) => !kinds.includes(kind) || (withinMs > 0 && !allowsWithin));
    if (odd) throw invalidArgument(`${what} cannot have ${odd.withinMs > 0 ? '"within"' : odd.mark.kind}: ${marbles}`);
    const end = steps.findIndex(({ mark: { kind } }) => kind === 'complete' || kind === 'error');
    if (end >= 0 && end < steps.length - 1) throw invalidArgument(`nothing comes behind the end of ${what}: ${marbles}`);
    this.#lengthMs = Math.max(this.#lengthMs, this.frame + lengthOf(steps));
    return steps;
  }

  /** Runs the work at the first frame, or at once where that is over. */
  atStart(work: () => void): void {
    if (this.#startMs === undefined) this.#atStart.push(work);
    else work();
  }

  /** Tells each mark when its time has come, from now on. */
  run(steps: readonly Step[], tell: (mark: Mark) => void): Subscription {
    const running = new Subscription();
    let atMs = 0;
    for (const { mark, gapMs } of steps) {
      atMs += gapMs;
      running.add(
        this.#clock.schedule(() => {
          tell(mark);
        }, atMs),
      );
    }
    return running;
  }

  /** Reads a diagram of faults, each a word, and lets each happen in its frame; one that gives a promise lasts as long. Throws `invalid-argument`. */
  faults<F>(marbles: string, read: (token: string) => F, happen: (fault: F) => unknown): void {
    const steps = this.read(marbles, 'a diagram of faults', ['next']);
    this.#quietMs = Math.max(this.#quietMs, this.frame + lengthOf(steps));
    const known = new Map(steps.map(({ mark }) => [mark, read((mark as Named).token)]));
    this.atStart(() => {
      this.run(steps, (mark) => {
        const lasting = happen(known.get(mark) as F);
        if (lasting instanceof Promise) void this.#last(lasting);
      });
    });
  }

  /** Runs the work so long after the last fault has ended, or after now, if that is later. */
  atQuiet(afterMs: number, work: () => void): void {
    this.atStart(() => {
      const from = this.frame;
      const look = (): void => {
        const atMs = Math.max(this.#quietMs, from) + afterMs;
        this.#lengthMs = Math.max(this.#lengthMs, atMs);
        // There may be faults by now that were not there before.
        if (this.frame < atMs) this.#clock.schedule(look, atMs - this.frame);
        else if (this.#underWay > 0) {
          this.#lengthMs = Math.max(this.#lengthMs, this.frame + lookAgainMs + afterMs);
          this.#clock.schedule(look, lookAgainMs);
        } else work();
      };
      this.#clock.schedule(look, 0);
    });
  }

  async #last(lasting: Promise<unknown>): Promise<void> {
    this.#underWay += 1;
    try {
      await lasting;
    } finally {
      this.#underWay -= 1;
      this.#quietMs = Math.max(this.#quietMs, this.frame);
    }
  }

  /** The first frame is now. */
  start(): void {
    this.#startMs = this.#clock.now();
    for (const work of this.#atStart.splice(0)) work();
  }
}

/** How often it is looked whether a fault that takes its time is over. */
const lookAgainMs = 10;

const lengthOf = (steps: readonly Step[]): number => steps.reduce((sum, { gapMs, withinMs }) => sum + gapMs + withinMs, 0);
