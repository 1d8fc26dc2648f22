import { concat, EMPTY, finalize, interval, Observable, Subject, Subscription, tap } from 'rxjs';
import type { Backlog } from '../core/backlog.js';
import { type Envelope, Kind } from '../core/envelope.js';
import { isSkeinError, type SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { batchWhileSending } from '../operators/batch-while-sending.js';
import type { Mailbox } from '../operators/mailbox.js';
import { type Outlet, watchAll } from '../operators/outlet.js';
import { type Vital, watchSilence } from '../operators/watch-silence.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import type { Wire } from '../ports/network.js';
import { Gone } from './gone.js';
import { Parcels } from './parcels.js';

/** Whether something of one side's is on its way at this moment. */
export class Voice {
  isSending = false;
  /** What is large on the present wire. */
  parcels: Parcels | undefined;

  get isSpeaking(): boolean {
    return this.isSending || this.parcels?.isBusy === true;
  }

  /** Whether so many bytes more may wait for the wire, besides what is large. */
  hasRoomFor(bytes: number): boolean {
    return bytes + (this.parcels?.bytes ?? 0) <= limits.outboxBytesMax;
  }

  get backlogs(): readonly Backlog[] {
    return this.parcels ? [this.parcels.backlog] : [];
  }
}

/** One side's part in a conversation on a wire. */
export interface Part<T> {
  readonly wire: Wire;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly voice: Voice;
  /** All that waits to be said, and the part of it that takes heartbeats. */
  readonly outlet: Outlet<Envelope | T>;
  readonly control: Mailbox<Envelope>;
  /** Turns what left the outlets into envelopes, as late as can be. */
  readonly prepare: (batch: readonly (Envelope | T)[]) => Envelope[];
  /** Whether a message of so many records seems to be all that is under way: while one side works on it, the other one waits. */
  readonly isWindow: (length: number) => boolean;
  /** What is to be said before a goodbye, although nothing is sent any more. */
  readonly lastWords?: () => readonly Envelope[];
  /** What cannot be sent after all is left out. */
  readonly unsendable: (envelope: Envelope, error: SkeinError) => void;
  /** What the other side said; a throw ends the conversation with a goodbye that says why. */
  readonly receive: (envelopes: readonly Envelope[]) => void;
  /** How often this side, and the other one, says something at least, in ms. */
  readonly heartbeatMs: number;
  readonly peerHeartbeatMs: () => number;
}

/**
 * Both ways of a wire for as long as it lives: says what waits in batches, tells what was heard, beats once an interval, and emits
 * how the other side seems to be. Errors when it is over; unsubscribing says goodbye.
 */
export const converse = <T>(part: Part<T>): Observable<Vital> =>
  new Observable<Vital>((subscriber) => {
    const { wire, codec } = part;
    const corked$ = new Subject<boolean>();
    const parcels = new Parcels(codec, part.clock, part.unsendable);
    part.voice.parcels = parcels;
    const sayGoodbye = (code: string, reason: string): void => {
      // Only while nothing else is on its way, for a wire takes one message at a time; the end of the wire says it too.
      if (part.voice.isSending) return;
      wire
        .send(codec.encode([...(part.lastWords?.() ?? []), { kind: Kind.goodbye, code, reason }]))
        .subscribe({ error: ignoreLateLoss });
    };
    let isOver = false;
    const talk = new Subscription();
    const error = (failure: unknown): void => {
      if (isOver) return;
      isOver = true;
      if (isSkeinError(failure, 'protocol-error', 'unsupported-version')) sayGoodbye(failure.code, failure.message);
      subscriber.error(failure);
    };
    const next = (vital: Vital): void => {
      subscriber.next(vital);
    };
    talk.add(listen(part, parcels, corked$).subscribe({ next, error }));
    talk.add(speak(part, parcels, corked$).subscribe({ error }));
    talk.add(interval(part.heartbeatMs, part.clock).subscribe({ next: () => beat(part.control), error }));
    return () => {
      if (!isOver) sayGoodbye('closed', 'the link is closed');
      talk.unsubscribe();
      if (part.voice.parcels === parcels) part.voice.parcels = undefined;
    };
  });

/** A goodbye is a courtesy: who cannot hear it any more sees the wire end. */
const ignoreLateLoss = (): void => undefined;

/** Whatever else was said within the interval: to a reader that waits, what matters is when the next word comes. */
const beat = (control: Mailbox<Envelope>): void => {
  if (!control.hasReady) control.offer({ kind: Kind.heartbeat });
};

/**
 * All that this side says. What a message gave rise to leaves as soon as all of
 * the message is heard: with a window of 64, a sixth more calls a second than at the end of the turn, since both sides then work at
 * once. What is all that is under way is told of in halves, so that two messages are: a tenth more, with a window of 256 a quarter.
 */
const speak = <T>(
  { wire, clock, voice, outlet, prepare }: Part<T>,
  parcels: Parcels,
  corked$: Subject<boolean>,
): Observable<never> => {
  const send = (envelopes: Envelope[]): Observable<never> => {
    const [first, second] = parcels.say(envelopes);
    if (!first) return EMPTY;
    voice.isSending = true;
    const sent = second ? concat(wire.send(first), wire.send(second)) : wire.send(first);
    return sent.pipe(finalize(() => (voice.isSending = false)));
  };
  const options = { max: limits.batchMax, clock, corked$ };
  return batchWhileSending(withParcels<T>(outlet, parcels), (batch) => send(prepare(batch)), options);
};

/** Whatever waits, or only a sign of life where it is for something large that there is to say anything. */
const withParcels = <T>(outlet: Outlet<Envelope | T>, parcels: Parcels): Outlet<Envelope | T> => ({
  get hasReady() {
    return outlet.hasReady || parcels.hasReady;
  },
  watch: (tell) => watchAll([outlet, parcels], tell),
  fill: (batch, max) => {
    outlet.fill(batch, max);
    if (batch.length === 0 && parcels.hasReady) batch.push({ kind: Kind.heartbeat });
  },
});

const halve = <T>(values: readonly T[]): readonly (readonly T[])[] => {
  const middle = values.length >> 1;
  return [values.slice(0, middle), values.slice(middle)];
};

/** What the other side says, as signs of life; it is told of on the way. */
const listen = (
  {
    wire,
    clock,
    receive,
    isWindow,
    peerHeartbeatMs,
  }: Pick<Part<unknown>, 'wire' | 'clock' | 'receive' | 'isWindow' | 'peerHeartbeatMs'>,
  parcels: Parcels,
  corked$: Subject<boolean>,
): Observable<Vital> => {
  const hear = (frames: readonly Uint8Array[]): void => {
    const envelopes = parcels.hear(frames);
    const { length } = envelopes;
    for (const part of length >= limits.halvedMin && isWindow(length) ? halve(envelopes) : [envelopes]) {
      corked$.next(true);
      receive(part);
      corked$.next(false);
    }
  };
  const complete = (): never => {
    throw new Gone(`the wire to ${wire.address} ended`);
  };
  const { suspectBeats, lostBeats } = limits;
  return wire.message$.pipe(
    tap({ next: hear, complete }),
    watchSilence({ intervalMs: peerHeartbeatMs, suspectBeats, lostBeats, clock }),
  );
};
