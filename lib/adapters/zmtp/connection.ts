import type { Socket } from 'node:net';
import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { invalidArgument, type SkeinError } from '../../core/errors.js';
import type { Clock } from '../../ports/clock.js';
import type { Wire } from '../../ports/network.js';
import { collectEarly } from '../wires/collect-early.js';
import { goneError } from '../wires/gone-error.js';
import { type Frames, readMark, sendProblem } from '../wires/marks.js';
import { checkReady, commandBytesMax, pongFor, readCommand, readyCommand, type SocketType } from './commands.js';
import { flags, FrameReader } from './frame-reader.js';
import { checkGreeting, greeting, greetingBytes } from './greeting.js';
import type { Reader } from './read.js';
import { Violation } from './violation.js';
import { writeMessage } from './write-frames.js';

/** Frames of one message: a batch's, and those of all that it may attach. */
const framesMax = 1_024;

export interface ConnectionOptions {
  readonly type: SocketType;
  readonly peer: string;
  readonly messageBytesMax: number;
  readonly lingerMs: number;
  readonly openMs: number;
  readonly clock: Clock;
  /** Both sides have said what they are. */
  readonly onOpen: (wire: Wire) => void;
  /** What the peer does is against the rules, and ends it. */
  readonly onRefused: (reason: string) => void;
  /** It is over, by this side's doing or with all read that came; `reason` where something was wrong with it. */
  readonly onGone: (reason: string | undefined) => void;
}

/** One TCP or local connection that speaks ZMTP, from its first byte to its end. */
export class Connection implements Reader {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #reader: FrameReader;
  readonly #timeout: Subscription;
  #state: 'greeting' | 'ready' | 'open' | 'leaving' | 'gone' = 'greeting';
  /** What has come of the greeting. */
  #greeting: Buffer = Buffer.alloc(0);
  /** What has come of a message. */
  #frames: Buffer[] = [];
  #bytes = 0;
  /** What came before anyone subscribed, all of one chunk. */
  #early: Frames[] = [];
  #mail: Subscriber<Frames> | undefined;
  #waiting: Subscriber<never> | undefined;
  #linger: Subscription | undefined;
  #reason: string | undefined;

  /** The socket is connected. */
  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader({
      bytesMax: (isCommand) => {
        if (isCommand) return commandBytesMax;
        if (this.#state === 'ready') throw new Violation('a message came before READY');
        return options.messageBytesMax - this.#bytes;
      },
      frame: (body, bits) => {
        this.#frame(body, bits);
      },
    });
    this.#timeout = options.clock.schedule(() => {
      this.#fail(`no handshake within ${String(options.openMs)} ms`);
    }, options.openMs);
    socket.on('drain', this.#onDrain);
    socket.on('error', ({ message }) => {
      this.#reason ??= message;
    });
    socket.on('close', this.#onClose);
    socket.write(Buffer.concat([greeting, readyCommand(options.type)]));
  }

  /** Ends it from here; what was sent still leaves for some time, and what comes is not wanted any more. */
  leave(): void {
    if (this.#state === 'gone' || this.#state === 'leaving') return;
    this.#state = 'leaving';
    this.#timeout.unsubscribe();
    const mail = this.#mail;
    this.#mail = undefined;
    mail?.complete();
    this.#failWaiting();
    this.#socket.end();
    this.#socket.resume();
    this.#linger = this.#options.clock.schedule(() => {
      this.#socket.destroy();
    }, this.#options.lingerMs);
    this.#options.onGone(undefined);
  }

  /** Where the socket may put what comes next. */
  get room(): Buffer | undefined {
    return this.#state === 'open' ? this.#reader.room : undefined;
  }

  /** Takes what the socket has read, which is not held. */
  readonly hear = (chunk: Buffer): void => {
    if (this.#state === 'leaving') return;
    try {
      const rest = this.#state === 'greeting' ? this.#greet(chunk) : chunk;
      if (rest && rest.length > 0) this.#reader.push(rest);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#fail(error.message);
    }
  };

  /** Gives back what came behind the greeting, once that is whole. */
  #greet(chunk: Buffer): Buffer | undefined {
    this.#greeting = Buffer.concat([this.#greeting, chunk]);
    checkGreeting(this.#greeting);
    if (this.#greeting.length < greetingBytes) return undefined;
    this.#state = 'ready';
    const rest = this.#greeting.subarray(greetingBytes);
    this.#greeting = Buffer.alloc(0);
    return rest;
  }

  #frame(body: Buffer, bits: number): void {
    if ((bits & flags.command) !== 0) {
      this.#command(body);
      return;
    }
    this.#frames.push(body);
    this.#bytes += body.length;
    if (this.#frames.length > framesMax) throw new Violation(`a message has more than ${String(framesMax)} frames`);
    if ((bits & flags.more) !== 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    collectEarly(frames);
    const mark = readMark(frames);
    if (mark === 'farewell') this.#socket.end();
    else if (mark === undefined) this.#deliver(frames);
  }

  #deliver(frames: Frames): void {
    if (this.#state !== 'open') return;
    if (this.#mail) this.#mail.next(frames);
    else this.#early.push(frames);
  }

  #command(body: Buffer): void {
    const { name, content } = readCommand(body);
    if (name === 'ERROR') throw new Violation(`it says: ${content.toString('latin1', 1, 1 + (content[0] ?? 0))}`);
    if (this.#state === 'ready') {
      if (name !== 'READY') throw new Violation(`${name} came before READY`);
      checkReady(this.#options.type, content);
      this.#open();
    } else if (name === 'PING') this.#answer(pongFor(content));
    else if (name === 'READY') throw new Violation('READY came twice');
  }

  /** Who asks and does not read gets no answers to pile up. */
  #answer(pong: Buffer): void {
    if (!this.#socket.writableNeedDrain) this.#socket.write(pong);
  }

  #open(): void {
    this.#state = 'open';
    this.#timeout.unsubscribe();
    this.#socket.pause();
    this.#options.onOpen({
      address: this.#options.peer,
      message$: new Observable((subscriber) => {
        this.#subscribe(subscriber);
      }),
      send: (frames) =>
        new Observable((subscriber) => {
          this.#send(frames, subscriber);
        }),
    });
  }

  #subscribe(subscriber: Subscriber<Frames>): void {
    if (this.#mail !== undefined || this.#state === 'leaving') {
      subscriber.error(invalidArgument('the messages of a wire have one subscriber, once'));
      return;
    }
    this.#mail = subscriber;
    subscriber.add(() => {
      this.leave();
    });
    for (const frames of this.#early.splice(0)) subscriber.next(frames);
    if (this.#state === 'gone') subscriber.complete();
    else this.#socket.resume();
  }

  #send(frames: Frames, subscriber: Subscriber<never>): void {
    const problem = this.#problemWith(frames);
    if (problem) {
      subscriber.error(problem);
      return;
    }
    const pieces = writeMessage(frames);
    if (pieces.length > 1) this.#socket.cork();
    let hasRoom = true;
    for (const piece of pieces) hasRoom = this.#socket.write(piece);
    if (pieces.length > 1) this.#socket.uncork();
    if (hasRoom) subscriber.complete();
    else this.#waiting = subscriber;
  }

  #problemWith(frames: Frames): SkeinError | undefined {
    const { peer, messageBytesMax } = this.#options;
    if (this.#state !== 'open' || this.#socket.writableEnded || this.#socket.destroyed) return goneError(peer, this.#reason);
    if (this.#waiting && !this.#waiting.closed) {
      return invalidArgument('a wire takes one message at a time: wait until send completes');
    }
    return sendProblem(frames, messageBytesMax);
  }

  readonly #onDrain = (): void => {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.complete();
  };

  readonly #onClose = (): void => {
    const wasLeaving = this.#state === 'leaving';
    this.#state = 'gone';
    this.#timeout.unsubscribe();
    this.#linger?.unsubscribe();
    this.#failWaiting();
    const mail = this.#mail;
    this.#mail = undefined;
    mail?.complete();
    if (!wasLeaving) this.#options.onGone(this.#reason);
  };

  #failWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.error(goneError(this.#options.peer, this.#reason));
  }

  /** Something is wrong with the peer: it is not waited for. */
  #fail(reason: string): void {
    const isFirst = this.#reason === undefined;
    this.#reason ??= reason;
    this.#socket.destroy();
    if (isFirst) this.#options.onRefused(reason);
  }
}
