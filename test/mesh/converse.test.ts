import { EMPTY, type Observable, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { type Envelope, Kind } from '../../lib/core/envelope.js';
import { SkeinError } from '../../lib/core/errors.js';
import { limits } from '../../lib/core/limits.js';
import { converse, Voice } from '../../lib/mesh/converse.js';
import { Parcels } from '../../lib/mesh/parcels.js';
import { Mailbox } from '../../lib/operators/mailbox.js';

type Frames = readonly Uint8Array[];

const codec = new MsgpackrCodec();

/** A side's part on a wire that takes messages as `take` says, to who reads all; `sent` holds each, `ended` how it was over. */
const setUp = (take: (nth: number) => Observable<never>, prepare = (batch: readonly Envelope[]): Envelope[] => [...batch]) => {
  const clock = new VirtualClock();
  const reader = new Parcels(codec, clock, () => undefined);
  const message$ = new Subject<Frames>();
  const sent: Envelope[][] = [];
  const send = (frames: Frames): Observable<never> => {
    sent.push(reader.hear(frames));
    if (reader.hasReady) for (const answer of reader.say([])) clock.schedule(() => message$.next(answer), 0);
    return take(sent.length);
  };
  const outlet = new Mailbox<Envelope>({ max: 10_000 });
  const ended: unknown[] = [];
  const talking = converse<Envelope>({
    wire: { address: 'b', message$, send },
    codec,
    clock,
    voice: new Voice(),
    outlet,
    control: outlet,
    prepare,
    isWindow: () => false,
    unsendable: (_envelope, error) => ended.push(error),
    receive: () => undefined,
    heartbeatMs: 60_000,
    peerHeartbeatMs: () => 60_000,
  }).subscribe({ error: (error: unknown) => ended.push(error) });
  return { clock, message$, sent, outlet, ended, talking };
};

const item = (bytes: number): Envelope => ({ kind: Kind.item, id: 1, cost: 1, payload: new Uint8Array(bytes), bytes });

const itemsIn = (messages: readonly Envelope[][]): number => messages.flat().filter(({ kind }) => kind === Kind.item).length;

describe('a conversation', () => {
  it('says all that stayed behind something large, however much, on a wire that takes each message at once', async () => {
    const first = new Subject<never>();
    const { clock, sent, outlet, ended, talking } = setUp((nth) => (nth === 1 ? first : EMPTY));
    const behind = 2_000;
    outlet.offer(item(limits.partedBytesMin + 1));
    for (let i = 0; i < behind; i += 1) outlet.offer(item(limits.batchBytesMax));
    // The first message is under way until all that is behind it waits.
    await clock.advance(1);
    first.complete();
    await clock.runUntil(() => itemsIn(sent) === 1 + behind);
    expect(Math.max(...sent.map((envelopes) => itemsIn([envelopes])))).toBe(1);
    expect(ended).toEqual([]);
    talking.unsubscribe();
  });

  it('lets what is small pass while what stayed behind something large goes on', async () => {
    const { clock, sent, outlet, talking } = setUp(() => EMPTY);
    outlet.offer(item(limits.partedBytesMin + 1));
    for (let i = 0; i < 100; i += 1) outlet.offer(item(limits.batchBytesMax));
    await clock.runUntil(() => itemsIn(sent) > 0);
    outlet.offer({ kind: Kind.reply, id: 2, payload: 'small', bytes: 6 });
    await clock.runUntil(() => sent.flat().some(({ kind }) => kind === Kind.reply));
    expect(itemsIn(sent)).toBeLessThan(5);
    talking.unsubscribe();
  });

  it('is over once, with one goodbye, where its wire fails as it takes that', async () => {
    const failure = new SkeinError('protocol-error', { reason: 'not of this protocol' });
    const { clock, message$, sent, outlet, ended } = setUp(
      () => {
        message$.error(failure);
        return throwError(() => failure);
      },
      () => {
        throw failure;
      },
    );
    outlet.offer({ kind: Kind.heartbeat });
    await clock.advance(10);
    expect(ended).toEqual([failure]);
    expect(sent.map((envelopes) => envelopes.map(({ kind }) => kind))).toEqual([[Kind.goodbye]]);
  });
});
