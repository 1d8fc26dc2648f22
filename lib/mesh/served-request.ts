import { type Envelope, type ErrorRecord, Kind, type RequestEnvelope } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { type Caller, Incoming } from '../ports/transport.js';

/** The link that a request came by, as the request sees it. */
export interface AnswerDesk {
  /** Puts an answer on its way; the request is done with. */
  answer(request: ServedRequest, envelope: Envelope): void;
  /** The request is done with, and no one is told. */
  forget(request: ServedRequest): void;
  /** It has left its mailbox: one credit may go back. */
  release(): void;
}

/** A request that came by a wire, with the way back. */
export class ServedRequest extends Incoming {
  readonly #desk: AnswerDesk;
  #hasLeft = false;

  constructor(envelope: RequestEnvelope, caller: Caller, deadline: number, desk: AnswerDesk) {
    super(envelope, caller, deadline);
    this.#desk = desk;
  }

  /** Whether someone waits for what becomes of it, rather than that it was admitted. */
  get isAwaited(): boolean {
    return this.kind === Kind.call || this.meta?.confirm === 'done';
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
    this.#settle(this.meta?.confirm === 'done' ? { kind: Kind.done, id: this.id } : undefined);
  }

  override fail(error: ErrorRecord): void {
    this.#settle(this.isAwaited ? { kind: Kind.error, id: this.id, error } : undefined);
  }

  override refuse(error: ErrorRecord, keepsCredit = false): void {
    this.#settle({ kind: Kind.refuse, id: this.id, error }, keepsCredit);
  }

  override expire(): void {
    this.cancel(new SkeinError('deadline-exceeded', { timeoutMs: this.ttlMs }));
    this.leave();
    this.#desk.forget(this);
  }

  #settle(answer: Envelope | undefined, keepsCredit = false): void {
    if (this.isSettled) return;
    this.isSettled = true;
    if (!keepsCredit) this.leave();
    if (answer) this.#desk.answer(this, answer);
    else this.#desk.forget(this);
  }
}
