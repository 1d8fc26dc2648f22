import { textOfThrown } from '../core/error-record.js';
import { invalidArgument, isSkeinError, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Timed } from '../core/timed.js';
import { type CallSink, LazyCall } from '../operators/lazy-call.js';
import { type Asker, type Inbox, Letter } from './inbox.js';
import type { Tree } from './tree.js';

export interface AskOptions {
  /** How long the answer may take, in ms; default the node's. 0 fails at once, without sending. */
  readonly timeoutMs?: number | undefined;
  /** Gives up on the answer. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes the message that carries the way to reply. */
export type Question<M, R> = (reply: (value: R) => void) => M;

/** A question that is asked each time that it is subscribed, and once where it is awaited. */
export class AskCall<M, R> extends LazyCall<R> {
  readonly #inbox: Inbox<M>;
  readonly #tree: Tree;
  readonly #question: Question<M, R>;
  readonly #options: AskOptions;

  constructor(inbox: Inbox<M>, tree: Tree, question: Question<M, R>, options: AskOptions) {
    super();
    this.#inbox = inbox;
    this.#tree = tree;
    this.#question = question;
    this.#options = options;
  }

  protected override send(sink: CallSink<R>): Asking<M, R> | undefined {
    const { timeoutMs = this.#tree.timeoutMs, signal } = this.#options;
    const asking = new Asking(this.#inbox, this.#tree, sink, timeoutMs);
    try {
      checkAskOptions(this.#options);
      if (timeoutMs === 0) {
        throw new SkeinError('deadline-exceeded', { timeoutMs }, { ran: 'no', message: 'there was no time left to ask' });
      }
      if (signal?.aborted === true) throw new SkeinError('cancelled', { reason: signal.reason }, { ran: 'no' });
      const message = this.#question((value) => {
        asking.answer(value);
      });
      asking.ask(message, signal);
    } catch (error) {
      asking.fail(isSkeinError(error) ? error : unaskable(error));
    }
    return asking;
  }
}

/** One question, from its asking to its one end, which is counted. */
class Asking<M, R> implements Asker, Timed {
  readonly deadline: number;
  earlier: Timed | undefined = undefined;
  later: Timed | undefined = undefined;
  tick = 0;
  isOver = false;
  readonly #inbox: Inbox<M>;
  readonly #tree: Tree;
  readonly #sink: CallSink<R>;
  readonly #timeoutMs: number;
  #letter: Letter<M> | undefined;
  /** Where it stands while it has been taken and not answered. */
  #unanswered: Set<Asker> | undefined;
  #release: (() => void) | undefined;

  constructor(inbox: Inbox<M>, tree: Tree, sink: CallSink<R>, timeoutMs: number) {
    this.#inbox = inbox;
    this.#tree = tree;
    this.#sink = sink;
    this.#timeoutMs = timeoutMs;
    this.deadline = tree.clock.now() + Math.min(timeoutMs, limits.timeoutMsMax);
  }

  ask(message: M, signal: AbortSignal | undefined): void {
    // Whoever made the message may have replied already.
    if (this.isOver) return;
    this.#tree.wheel.add(this);
    this.#release =
      signal &&
      onAbort(signal, () => {
        this.#giveUp(signal.reason);
      });
    this.#letter = new Letter(message, this);
    void this.#inbox.put(this.#letter);
  }

  /** The first answer counts. */
  answer(value: R): void {
    if (!this.#end('ok')) return;
    this.#sink.next(value);
    this.#sink.complete();
  }

  fail(error: SkeinError): void {
    if (this.#end(error.code)) this.#sink.error(error);
  }

  taken(unanswered: Set<Asker>): void {
    this.#unanswered = unanswered;
    unanswered.add(this);
  }

  expire(): void {
    this.fail(new SkeinError('deadline-exceeded', { timeoutMs: this.#timeoutMs }, { ran: this.#ran }));
  }

  /** Whoever asked no longer wants to know. */
  unsubscribe(): void {
    this.#end('cancelled');
  }

  get #ran(): 'no' | 'unknown' {
    return this.#unanswered ? 'unknown' : 'no';
  }

  #giveUp(reason: unknown): void {
    this.fail(new SkeinError('cancelled', { reason }, { ran: this.#ran }));
  }

  #end(how: string): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.#tree.wheel.remove(this);
    this.#unanswered?.delete(this);
    this.#release?.();
    if (this.#letter) this.#inbox.forget(this.#letter);
    this.#tree.count(`asks.${how}`);
    return true;
  }
}

const unaskable = (cause: unknown): SkeinError =>
  new SkeinError(
    'invalid-argument',
    { issues: [{ message: `the question failed: ${textOfThrown(cause)}` }] },
    { ran: 'no', cause },
  );

const checkAskOptions = ({ timeoutMs, signal }: AskOptions): void => {
  const problems = [
    ...(timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0) ? [] : ['timeoutMs must be 0 or more']),
    ...(signal === undefined || (signal as unknown) instanceof AbortSignal ? [] : ['signal must be an AbortSignal']),
  ];
  if (problems.length > 0) throw invalidArgument(...problems);
};

/** What waits for each signal: Node warns of more than ten listeners, and one signal may well be that of many questions. */
const awaited = new WeakMap<AbortSignal, Set<() => void>>();

const onAbort = (signal: AbortSignal, act: () => void): (() => void) => {
  const known = awaited.get(signal);
  const acts = known ?? new Set();
  if (!known) {
    awaited.set(signal, acts);
    const abort = (): void => {
      for (const each of [...acts]) each();
    };
    signal.addEventListener('abort', abort, { once: true });
  }
  acts.add(act);
  return () => {
    acts.delete(act);
  };
};
