import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { type SilenceOptions, type Vital, watchSilence } from '../../lib/operators/watch-silence.js';
import { marbles } from '../../lib/testing.js';

const vitals: Readonly<Record<string, Vital>> = { s: 'suspect', l: 'live', x: 'lost' };

/** An interval of 2 ms: suspect after 6, lost after 20. */
const beats: Omit<SilenceOptions, 'clock'> = { intervalMs: () => 2, suspectBeats: 3, lostBeats: 10 };

describe('watchSilence', () => {
  it('suspects a peer after exactly 3 silent intervals, and loses it after 10', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const traffic = '  ------------------------';
      const expected = '------s-------------(x|)';
      expectObservable(hot(traffic).pipe(watchSilence({ ...beats, clock }))).toBe(expected, vitals);
    }));

  it('counts from the last sign of life', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const traffic = '  -a--a--------------------------';
      const expected = '----------s-------------(x|)';
      expectObservable(hot(traffic).pipe(watchSilence({ ...beats, clock }))).toBe(expected, vitals);
    }));

  it('says nothing while traffic goes on', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const traffic = '  5ms a 5ms a 5ms a 5ms a 5ms a 5ms #gone';
      const expected = '30ms #gone';
      expectObservable(hot(traffic).pipe(watchSilence({ ...beats, clock }))).toBe(expected);
    }));

  it('calls a suspect live again at its next sign of life, and judges it anew from there', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const traffic = '  --------a--a-------------------';
      const expected = '------s-l--------s-------------(x|)';
      expectObservable(hot(traffic).pipe(watchSilence({ ...beats, clock }))).toBe(expected, vitals);
    }));

  it('goes on judging when the traffic ends', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const traffic = '  -|';
      const expected = '------s-------------(x|)';
      expectObservable(hot(traffic).pipe(watchSilence({ ...beats, clock }))).toBe(expected, vitals);
    }));

  it('hears what is said while it subscribes', () =>
    marbles(({ cold, expectObservable, clock }) => {
      const traffic = '  (a #gone)';
      const expected = '#gone';
      expectObservable(cold(traffic).pipe(watchSilence({ ...beats, clock }))).toBe(expected);
    }));

  it('takes the interval as it is at each judgement', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const traffic = '  a-------------------------------------------';
      const expected = '------------s---------------------------(x|)';
      const startMs = clock.now();
      const intervalMs = () => (clock.now() - startMs < 3 ? 2 : 4);
      expectObservable(hot(traffic).pipe(watchSilence({ ...beats, intervalMs, clock }))).toBe(expected, vitals);
    }));

  it('leaves no timer when it is unsubscribed', async () => {
    const clock = new VirtualClock();
    const watching = new Subject().pipe(watchSilence({ ...beats, clock })).subscribe();
    expect(clock.pending).toBe(1);
    watching.unsubscribe();
    expect(clock.pending).toBe(0);
    await clock.advance(100);
  });

  it('keeps one timer, whatever the traffic', async () => {
    const clock = new VirtualClock();
    const traffic$ = new Subject<number>();
    const watching = traffic$.pipe(watchSilence({ ...beats, clock })).subscribe();
    for (let i = 0; i < 1_000; i += 1) {
      traffic$.next(i);
      if (i % 10 === 0) await clock.advance(1);
      expect(clock.pending).toBe(1);
    }
    watching.unsubscribe();
  });
});

/** A process that stands still: its timers come late by as much as it is told to. */
class StallingClock extends VirtualClock {
  stallMs = 0;
  override now(): number {
    return super.now() + this.stallMs;
  }
}

describe('watchSilence in a process that stood still', () => {
  const watch = (): { clock: StallingClock; traffic$: Subject<void>; seen: Vital[] } => {
    const clock = new StallingClock();
    const traffic$ = new Subject<void>();
    const seen: Vital[] = [];
    traffic$.pipe(watchSilence({ ...beats, clock })).subscribe((vital) => seen.push(vital));
    return { clock, traffic$, seen };
  };

  it('gives the peer another interval to be heard, since it was not the peer that was silent', async () => {
    const { clock, traffic$, seen } = watch();
    await clock.advance(5);
    clock.stallMs = 60;
    await clock.advance(1);
    expect(seen).toEqual([]);
    traffic$.next();
    await clock.advance(5);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual(['suspect']);
  });

  it('judges after that interval as ever', async () => {
    const { clock, seen } = watch();
    await clock.advance(5);
    clock.stallMs = 60;
    await clock.advance(2);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual(['lost']);
  });
});
