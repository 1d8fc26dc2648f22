import { Observable, type Subscriber } from 'rxjs';
import { invalidArgument, SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Overflow } from '../core/overflow.js';
import { Ring } from '../core/ring.js';
import { Mailbox } from '../operators/mailbox.js';
import { fromDemand, type Stream } from '../operators/stream.js';
import { Sending, sent, unsent } from './sent.js';
import type { Tree } from './tree.js';
import type { Taker } from './turns.js';

/** Who waits for an answer to a message. */
export interface Asker {
  /** No longer waits. */
  readonly isOver: boolean;
  /** The message was not taken, or whoever took it can no longer answer. */
  fail(error: SkeinError): void;
  /** The message was taken; it leaves the set as soon as it is over. */
  taken(unanswered: Set<Asker>): void;
}

/** A message on its way. */
export class Letter<M> {
  readonly message: M;
  readonly asker: Asker | undefined;
  /** Whether it waits in a mailbox. */
  isWaiting = false;

  constructor(message: M, asker?: Asker) {
    this.message = message;
    this.asker = asker;
  }
}

interface Blocked<M> {
  readonly letter: Letter<M>;
  readonly sending: Sending;
}

interface InboxOptions {
  readonly path: string;
  readonly max: number;
  readonly overflow: Overflow;
  /** Told of every change. */
  readonly changed: () => void;
}

/** The mailbox of one actor: it outlives the runs of the behaviour, each of which empties it as a stream. */
export class Inbox<M> implements Taker {
  readonly overflow: Overflow;
  /** Messages that it has let go, and that it has given out. */
  dropped = 0;
  taken = 0;
  readonly #options: InboxOptions;
  readonly #tree: Tree;
  readonly #mailbox: Mailbox<Letter<M>>;
  readonly #blocked = new Ring<Blocked<M>>(limits.sendersMax);
  /** Who took a message and has not answered it yet; and who asked the last message that was taken. */
  readonly #unanswered = new Set<Asker>();
  #lastAsker: Asker | undefined;
  #consumer: Subscriber<M> | undefined;
  #credit = 0;
  #isAdded = false;
  #isClosed = false;

  constructor(options: InboxOptions, tree: Tree) {
    this.overflow = options.overflow;
    this.#options = options;
    this.#tree = tree;
    this.#mailbox = new Mailbox({ max: options.max, isDead: ({ asker }) => asker?.isOver === true });
  }

  get size(): number {
    return this.#mailbox.size;
  }

  get max(): number {
    return this.#mailbox.max;
  }

  /** Takes the letter in, as the policy has it. */
  put(letter: Letter<M>): PromiseLike<void> {
    if (this.#isClosed) return this.#refuse(letter, this.#closed('no'));
    if (this.#blocked.size === 0 && this.#enter(letter)) return sent;
    switch (this.overflow) {
      case 'fail':
        return this.#refuse(letter, this.#full());
      case 'block': {
        const sending = new Sending();
        return this.#blocked.push({ letter, sending }) ? sending : this.#refuse(letter, this.#full());
      }
      case 'drop-newest':
        this.#drop(letter);
        return sent;
      default:
        this.#drop(this.#shift());
        this.#enter(letter);
        return sent;
    }
  }

  /** The letter's asker no longer waits. */
  forget({ isWaiting }: Letter<M>): void {
    if (isWaiting) this.#mailbox.died();
  }

  /** What waits and comes, for one run of the behaviour, which is over when the signal aborts. One subscriber at a time. */
  open(signal: AbortSignal): Stream<M> {
    return fromDemand(
      (credit$) =>
        new Observable((subscriber) => {
          if (signal.aborted) {
            subscriber.error(this.#closed('no'));
            return undefined;
          }
          if (this.#consumer) {
            subscriber.error(invalidArgument('message$ has a subscriber already: let others have it by share()'));
            return undefined;
          }
          this.#consumer = subscriber;
          this.#credit = 0;
          const granting = credit$.subscribe({
            next: (more) => {
              if (this.#consumer !== subscriber || !(more > 0)) return;
              this.#credit = Math.min(this.#credit + more, Number.MAX_SAFE_INTEGER);
              this.#wake();
            },
            error: (error: unknown) => subscriber.error(error),
          });
          return () => {
            granting.unsubscribe();
            if (this.#consumer === subscriber) this.#consumer = undefined;
          };
        }),
    );
  }

  take(max: number): number {
    this.#isAdded = false;
    let count = 0;
    try {
      while (count < max && this.#credit > 0 && this.#consumer) {
        const letter = this.#shift();
        if (!letter) break;
        this.#credit -= 1;
        count += 1;
        this.taken += 1;
        this.#lastAsker = letter.asker;
        letter.asker?.taken(this.#unanswered);
        this.#letIn();
        this.#consumer.next(letter.message);
      }
    } finally {
      this.#wake();
      this.#options.changed();
    }
    return count;
  }

  /** The last message that was taken is skipped: who asked it learns why. */
  skip(error: unknown): void {
    this.#lastAsker?.fail(this.#unable(error));
  }

  /** A run of the behaviour is over, and with it goes whatever it had taken; what waits, waits for the next one. */
  endRun(error: unknown): void {
    this.#consumer?.complete();
    for (const asker of [...this.#unanswered]) asker.fail(this.#unable(error));
  }

  /** Takes nothing any more. What waits is dead: who sent it has been told that it is in the mailbox, so it is counted. */
  close(): number {
    this.#isClosed = true;
    const dead = this.#mailbox.drain().filter(({ asker }) => asker?.isOver !== true);
    for (const letter of dead) {
      letter.isWaiting = false;
      letter.asker?.fail(this.#closed('no'));
    }
    this.#tree.count('messages.dead', dead.length);
    for (const { letter, sending } of this.#blocked.drain()) sending.end(this.#refuse(letter, this.#closed('no')));
    return dead.length;
  }

  #enter(letter: Letter<M>): boolean {
    letter.isWaiting = true;
    if (!this.#mailbox.offer(letter)) {
      letter.isWaiting = false;
      return false;
    }
    this.#wake();
    this.#options.changed();
    return true;
  }

  #shift(): Letter<M> | undefined {
    const batch: Letter<M>[] = [];
    this.#mailbox.fill(batch, 1);
    const [letter] = batch;
    if (letter) letter.isWaiting = false;
    return letter;
  }

  /** Those that wait for room, as far as there is some. */
  #letIn(): void {
    for (let first = this.#blocked.peek(); first; first = this.#blocked.peek()) {
      if (first.letter.asker?.isOver !== true && !this.#enter(first.letter)) return;
      this.#blocked.shift();
      first.sending.end(sent);
    }
  }

  #wake(): void {
    if (this.#isAdded || !this.#consumer || this.#credit <= 0 || this.#mailbox.size === 0) return;
    this.#isAdded = true;
    this.#tree.turns.add(this);
  }

  #drop(letter: Letter<M> | undefined): void {
    if (!letter) return;
    this.dropped += 1;
    this.#tree.count('messages.dropped');
    letter.asker?.fail(this.#full());
    this.#options.changed();
  }

  #refuse(letter: Letter<M>, error: SkeinError): PromiseLike<undefined> {
    this.#tree.count(`messages.${error.code}`);
    letter.asker?.fail(error);
    return unsent(error);
  }

  #full(): SkeinError {
    const { path, max } = this.#options;
    const message = `${path} has ${String(max)} messages waiting, which is all that its mailbox holds`;
    return new SkeinError('overloaded', { retryAfterMs: undefined }, { message });
  }

  #closed(ran: 'no' | 'unknown'): SkeinError {
    const { path } = this.#options;
    return new SkeinError('closed', { what: path }, { ran, message: `${path} is stopped` });
  }

  #unable(cause: unknown): SkeinError {
    const { path } = this.#options;
    if (cause === undefined) return this.#closed('unknown');
    return new SkeinError('closed', { what: path }, { ran: 'unknown', cause, message: `${path} failed before it answered` });
  }
}
