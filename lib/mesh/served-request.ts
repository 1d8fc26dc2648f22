import { interval, type SchedulerLike, type Subscription, tap } from 'rxjs';
import { type Envelope, type ErrorRecord, Kind, type MethodName, type RequestEnvelope } from '../core/envelope.js';
import { writeThrown } from '../core/error-record.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { StreamWay } from '../ports/stream-way.js';
import { type Caller, Incoming } from '../ports/transport.js';

/** The link that a request came by, as the request sees it. */
export interface AnswerDesk {
  /** The request is at work, and can be cancelled by its caller. */
  hold(request: ServedRequest): void;
  /** Puts an answer on its way; the request is done with. */
  answer(request: ServedRequest, envelope: Envelope): void;
  /** The request is done with, and no one is told. */
  forget(request: ServedRequest): void;
  /** It has left its mailbox: one credit may go back. */
  release(): void;
  /** Says what is no answer. */
  say(envelope: Envelope): void;
  /** For what streams have to say. */
  readonly way: StreamWay;
}

/** Who remembers what came of a request that may come again. */
interface Memory {
  answered(request: ServedRequest, answer: Envelope | undefined): void;
  forget(request: ServedRequest): void;
  lose(request: ServedRequest): void;
}

/** A request that came by a wire, with the way back. */
export class ServedRequest extends Incoming {
  #desk: AnswerDesk;
  #hasLeft = false;
  /** The one that it came as last. */
  #attempt: number;
  #proof: Subscription | undefined;
  #isAtWork = false;
  /** Set where it may come again. */
  memory: Memory | undefined = undefined;

  constructor(envelope: RequestEnvelope, target: MethodName, caller: Caller, deadline: number, desk: AnswerDesk) {
    super(envelope, target, caller, deadline);
    this.#desk = desk;
    this.#attempt = envelope.meta?.attempt ?? 0;
  }

  /** Who sent it, and as which of its requests: the same when it comes again. */
  get key(): string {
    return `${this.caller.id}/${String(this.id)}`;
  }

  /** Whether someone waits for what becomes of it, rather than that it was admitted. */
  get isAwaited(): boolean {
    return this.kind !== Kind.cast || this.meta?.confirm === 'done';
  }

  override leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#desk.release();
  }

  override reply(payload: unknown, bytes: number): void {
    this.#settle({ kind: Kind.reply, id: this.id, payload, bytes });
  }

  override done(): void {
    this.#settle(this.isAwaited ? { kind: Kind.done, id: this.id } : undefined);
  }

  override working(): void {
    this.#isAtWork = true;
    if (!this.isSettled) this.#desk.say({ kind: Kind.working, id: this.id });
  }

  override get way(): StreamWay {
    return this.#desk.way;
  }

  override fail(error: ErrorRecord): void {
    this.#settle(this.isAwaited ? { kind: Kind.error, id: this.id, error } : undefined);
  }

  override refuse(error: ErrorRecord, keepsCredit = false): void {
    this.#settle({ kind: Kind.refuse, id: this.id, error, attempt: this.#attempt }, keepsCredit);
  }

  /**
   * Says, where its sender wants to know, that it is at work: four times within the silence that they allow, until it is over; a stream
   * does so from when it is open.
   */
  prove(clock: SchedulerLike): void {
    const silenceMs = this.meta?.silenceMs;
    if (silenceMs === undefined) return;
    this.#proof = interval(Math.max(limits.silenceMinMs, silenceMs) / 4, clock)
      .pipe(
        tap(() => {
          if (this.#isAtWork || this.kind !== Kind.open) this.working();
        }),
      )
      .subscribe();
  }

  override cancel(reason: SkeinError): void {
    this.#proof?.unsubscribe();
    super.cancel(reason);
  }

  override expire(): void {
    this.cancel(new SkeinError('deadline-exceeded', { timeoutMs: this.ttlMs }));
    this.takeBack();
    this.#desk.forget(this);
  }

  /** It was cancelled by its caller, or by time: it may come anew. */
  takeBack(): void {
    this.memory?.forget(this);
    this.leave();
  }

  /** It was cancelled since no one is there any more to whom it could be answered. */
  abandon(reason: SkeinError): void {
    this.cancel(reason);
    this.memory?.lose(this);
  }

  /** The same request has come again, maybe by another wire: that is where its answer goes from now on, by the later deadline. */
  join(again: ServedRequest): void {
    this.#desk.forget(this);
    // Each wire gets its credit back once: the former now, if it has not yet, and this one when the mailbox is left.
    if (!this.#hasLeft) this.#desk.release();
    this.#desk = again.#desk;
    this.#attempt = again.#attempt;
    this.deadline = Math.max(this.deadline, again.deadline);
    again.isSettled = true;
    this.#desk.hold(this);
    if (this.#hasLeft) this.#desk.release();
  }

  /** It has been answered before: the answer is the same. */
  answerAgain(answer: Envelope): void {
    this.#settle(this.isAwaited ? answer : undefined);
  }

  #settle(answer: Envelope | undefined, keepsCredit = false): void {
    if (this.isSettled) return;
    this.isSettled = true;
    if (!keepsCredit) this.leave();
    this.#proof?.unsubscribe();
    this.stream?.fail(new SkeinError('closed', { what: 'a request that has its answer' }));
    this.memory?.answered(this, answer);
    if (answer) this.#desk.answer(this, answer);
    else this.#desk.forget(this);
  }
}

/** What is said in the place of an answer that cannot be sent after all. */
export const inPlaceOf = (envelope: Envelope, cause: SkeinError): Envelope | undefined => {
  if (envelope.kind !== Kind.reply && envelope.kind !== Kind.error && envelope.kind !== Kind.refuse) return undefined;
  const error = writeThrown(new Error('the handler answered what cannot be sent', { cause }), false);
  return envelope.kind === Kind.refuse ? { ...envelope, error } : { kind: Kind.error, id: envelope.id, error };
};
