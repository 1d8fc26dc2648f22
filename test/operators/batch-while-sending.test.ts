import { EMPTY, ignoreElements, Observable, type SchedulerLike, Subject, tap, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWhileSending } from '../../lib/operators/batch-while-sending.js';
import { Mailbox } from '../../lib/operators/mailbox.js';
import { oneAfterAnother } from '../../lib/operators/one-after-another.js';
import type { Outlet } from '../../lib/operators/outlet.js';
import { marbles } from '../../lib/testing.js';

interface Sending {
  /** How long each send takes. */
  readonly ms: number;
  readonly max: number;
  readonly clock: SchedulerLike;
  readonly corked$?: Observable<boolean>;
}

/** What is sent when, each batch as one text. */
const sent = (outlet: Outlet<string>, { ms, clock, ...options }: Sending): Observable<string> =>
  new Observable((subscriber) => {
    const send = (batch: string[]): Observable<never> => {
      subscriber.next(batch.join(''));
      return timer(ms, clock).pipe(ignoreElements());
    };
    return batchWhileSending(outlet, send, { clock, ...options }).subscribe(subscriber);
  });

/** A mailbox into which each value of the stream goes when it comes. */
const mailboxOf = (offers$: Observable<string>, max = 100): Mailbox<string> => {
  const mailbox = new Mailbox<string>({ max });
  offers$.subscribe((value) => mailbox.offer(value));
  return mailbox;
};

describe('batchWhileSending', () => {
  it('sends a single value within its turn', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  -a----b';
      const expected = '-a----b';
      expectObservable(sent(mailboxOf(hot(offers)), { ms: 2, max: 8, clock })).toBe(expected);
    }));

  it('sends what came within one turn as one batch', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  -(abc)';
      const expected = '1ms abc';
      expectObservable(sent(mailboxOf(hot(offers)), { ms: 2, max: 8, clock })).toBe(expected);
    }));

  it('sends what came while a batch was under way as the next one, once that has left', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  -a-b-c-----d';
      const expected = '1ms a 6ms bc 6ms d';
      expectObservable(sent(mailboxOf(hot(offers)), { ms: 6, max: 8, clock })).toBe(expected);
    }));

  it('sends what came while it was corked once it is uncorked, within the turn', () =>
    marbles(({ expectObservable, clock }) => {
      const mailbox = new Mailbox<string>({ max: 8 });
      const corked$ = new Subject<boolean>();
      expectObservable(sent(mailbox, { ms: 2, max: 8, clock, corked$ })).toBe('5ms abc 2ms de');
      const within = (values: string): void => {
        corked$.next(true);
        for (const value of values) mailbox.offer(value);
        corked$.next(false);
      };
      clock.schedule(() => {
        within('');
        mailbox.offer('a');
        within('bc');
        // The batch is still under way, so that these wait for each other.
        within('d');
        mailbox.offer('e');
      }, 5);
    }));

  it('puts no more than so many into one batch', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  -(abcdefg)';
      const expected = '1ms abc 10ms def 10ms g';
      expectObservable(sent(mailboxOf(hot(offers)), { ms: 10, max: 3, clock })).toBe(expected);
    }));

  it('asks outlets in their order, so that the first ones need not wait for the others', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const requests = '-(abcd)';
      const control = ' ---x';
      const expected = '1ms ab 5ms xc 5ms d';
      const outlet = oneAfterAnother(mailboxOf(hot(control)), mailboxOf(hot(requests)));
      expectObservable(sent(outlet, { ms: 5, max: 2, clock })).toBe(expected);
    }));

  it('sends what waited before it was subscribed to', () =>
    marbles(({ expectObservable, clock }) => {
      const mailbox = new Mailbox<string>({ max: 8 });
      mailbox.offer('a');
      expectObservable(sent(mailbox, { ms: 1, max: 8, clock })).toBe('a');
    }));

  it('ends a batch when it is heavy enough', () =>
    marbles(({ expectObservable, clock }) => {
      const mailbox = new Mailbox<string>({ max: 8, weigh: () => 4, batchWeightMax: 10 });
      for (const value of 'abcde') mailbox.offer(value);
      expectObservable(sent(mailbox, { ms: 1, max: 8, clock })).toBe('abc de');
    }));

  it('goes on after sends that are over at once, however many', async () => {
    const mailbox = new Mailbox<number>({ max: 10_000 });
    for (let i = 0; i < 10_000; i += 1) mailbox.offer(i);
    const gone: number[] = [];
    const send = (batch: number[]): Observable<never> => EMPTY.pipe(tap({ complete: () => gone.push(...batch) }));
    await marbles(({ expectObservable, clock }) => {
      expectObservable(batchWhileSending(mailbox, send, { max: 1, clock })).toBe('');
    });
    expect(gone).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  it('errors when a batch cannot be sent, and sends no more', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions, clock }) => {
      const offers = '  -a-b--c--';
      const sending = '  ---- #gone';
      const expected = '----- #gone';
      const one$ = cold<never>(sending);
      expectObservable(batchWhileSending(mailboxOf(hot(offers)), () => one$, { max: 8, clock })).toBe(expected);
      expectSubscriptions(one$).toBe('-^---!');
    }));

  it('errors when a batch cannot even be made', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  --a-';
      const expected = '--#  ';
      const broken = new Error('it cannot be encoded');
      const send = (): Observable<never> => {
        throw broken;
      };
      const sending$ = batchWhileSending(mailboxOf(hot(offers)), send, { max: 8, clock });
      expectObservable(sending$).toBe(expected, {}, broken);
    }));

  it('stops sending when it is unsubscribed, and leaves no timer', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions, clock }) => {
      const offers = '-a-b---c-';
      const until = ' ^---!----';
      const one$ = cold<never>('---------|');
      expectObservable(
        batchWhileSending(mailboxOf(hot(offers)), () => one$, { max: 8, clock }),
        until,
      ).toBe('---------');
      expectSubscriptions(one$).toBe('-^--!');
    }));

  it('sends nothing where all that waited has died meanwhile', async () => {
    const mailbox = new Mailbox<string>({ max: 8, isDead: () => true });
    mailbox.offer('a');
    const failure$ = throwError(() => new Error('sent'));
    await marbles(({ expectObservable, clock }) => {
      expectObservable(batchWhileSending(mailbox, () => failure$, { max: 8, clock })).toBe('');
    });
    expect(mailbox.size).toBe(0);
  });
});
