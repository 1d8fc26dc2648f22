import { EMPTY, type Observable, Subject, tap, throwError, timer, ignoreElements, type SchedulerLike } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWhileSending } from '../../lib/operators/batch-while-sending.js';
import { Mailbox } from '../../lib/operators/mailbox.js';
import { marbles } from '../marbles.js';

/** Sends that take so long, and what was sent when. */
const sender = (ms: number, clock: SchedulerLike) => {
  const sent: string[] = [];
  const send = (batch: string[]): Observable<never> => {
    sent.push(`${String(clock.now())} ${batch.join('')}`);
    return timer(ms, clock).pipe(ignoreElements());
  };
  return { sent, send };
};

/** A mailbox into which each value of the stream goes when it comes. */
const mailboxOf = (offers$: Observable<string>, max = 100): Mailbox<string> => {
  const mailbox = new Mailbox<string>({ max });
  offers$.subscribe((value) => mailbox.offer(value));
  return mailbox;
};

describe('batchWhileSending', () => {
  it('sends a single value within its turn', () =>
    marbles(({ hot, flush, clock }) => {
      const offers = '-a----b';
      const { sent, send } = sender(2, clock);
      batchWhileSending([mailboxOf(hot(offers))], send, { max: 8, clock }).subscribe();
      flush();
      expect(sent).toEqual(['1 a', '6 b']);
    }));

  it('sends what came within one turn as one batch', () =>
    marbles(({ hot, flush, clock }) => {
      const offers = '-(abc)';
      const { sent, send } = sender(2, clock);
      batchWhileSending([mailboxOf(hot(offers))], send, { max: 8, clock }).subscribe();
      flush();
      expect(sent).toEqual(['1 abc']);
    }));

  it('sends what came while a batch was under way as the next one, once that has left', () =>
    marbles(({ hot, flush, clock }) => {
      const offers = '-a-b-c-----d';
      const { sent, send } = sender(6, clock);
      batchWhileSending([mailboxOf(hot(offers))], send, { max: 8, clock }).subscribe();
      flush();
      expect(sent).toEqual(['1 a', '7 bc', '13 d']);
    }));

  it('sends what came while it was corked once it is uncorked, within the turn', () =>
    marbles(({ flush, clock }) => {
      const { sent, send } = sender(2, clock);
      const mailbox = new Mailbox<string>({ max: 8 });
      const corked$ = new Subject<boolean>();
      batchWhileSending([mailbox], send, { max: 8, clock, corked$ }).subscribe();
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
      flush();
      expect(sent).toEqual(['5 abc', '7 de']);
    }));

  it('puts no more than so many into one batch', () =>
    marbles(({ hot, flush, clock }) => {
      const offers = '-(abcdefg)';
      const { sent, send } = sender(10, clock);
      batchWhileSending([mailboxOf(hot(offers))], send, { max: 3, clock }).subscribe();
      flush();
      expect(sent).toEqual(['1 abc', '11 def', '21 g']);
    }));

  it('asks outlets in their order, so that the first ones need not wait for the others', () =>
    marbles(({ hot, flush, clock }) => {
      const requests = '-(abcd)';
      const control = ' ---x';
      const { sent, send } = sender(5, clock);
      const outlets = [mailboxOf(hot(control)), mailboxOf(hot(requests))];
      batchWhileSending(outlets, send, { max: 2, clock }).subscribe();
      flush();
      expect(sent).toEqual(['1 ab', '6 xc', '11 d']);
    }));

  it('sends what waited before it was subscribed to', () =>
    marbles(({ flush, clock }) => {
      const mailbox = new Mailbox<string>({ max: 8 });
      mailbox.offer('a');
      const { sent, send } = sender(1, clock);
      batchWhileSending([mailbox], send, { max: 8, clock }).subscribe();
      flush();
      expect(sent).toEqual(['0 a']);
    }));

  it('ends a batch when it is heavy enough', () =>
    marbles(({ flush, clock }) => {
      const mailbox = new Mailbox<string>({ max: 8, weigh: () => 4, batchWeightMax: 10 });
      for (const value of 'abcde') mailbox.offer(value);
      const { sent, send } = sender(1, clock);
      batchWhileSending([mailbox], send, { max: 8, clock }).subscribe();
      flush();
      expect(sent).toEqual(['0 abc', '1 de']);
    }));

  it('goes on after sends that are over at once, however many', () =>
    marbles(({ flush, clock }) => {
      const mailbox = new Mailbox<number>({ max: 10_000 });
      for (let i = 0; i < 10_000; i += 1) mailbox.offer(i);
      const sent: number[] = [];
      const send = (batch: number[]): Observable<never> => EMPTY.pipe(tap({ complete: () => sent.push(...batch) }));
      batchWhileSending([mailbox], send, { max: 1, clock }).subscribe();
      flush();
      expect(sent).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    }));

  it('errors when a batch cannot be sent, and sends no more', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions, clock }) => {
      const offers = '  -a-b--c--';
      const sending = '  ----#   ';
      const expected = '-----#    ';
      const sent = cold<never>(sending);
      expectObservable(batchWhileSending([mailboxOf(hot(offers))], () => sent, { max: 8, clock })).toBe(expected);
      expectSubscriptions(sent.subscriptions).toBe('-^---!');
    }));

  it('errors when a batch cannot even be made', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  --a-';
      const expected = '--#  ';
      const broken = new Error('it cannot be encoded');
      const send = (): Observable<never> => {
        throw broken;
      };
      const sending$ = batchWhileSending([mailboxOf(hot(offers))], send, { max: 8, clock });
      expectObservable(sending$).toBe(expected, {}, broken);
    }));

  it('stops sending when it is unsubscribed, and leaves no timer', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions, clock }) => {
      const offers = '-a-b---c-';
      const until = ' ----!----';
      const sent = cold<never>('---------|');
      expectObservable(
        batchWhileSending([mailboxOf(hot(offers))], () => sent, { max: 8, clock }),
        until,
      ).toBe('---------');
      expectSubscriptions(sent.subscriptions).toBe('-^--!');
    }));

  it('sends nothing where all that waited has died meanwhile', () =>
    marbles(({ flush, clock }) => {
      const mailbox = new Mailbox<string>({ max: 8, isDead: () => true });
      mailbox.offer('a');
      const failure$ = throwError(() => new Error('sent'));
      batchWhileSending([mailbox], () => failure$, { max: 8, clock }).subscribe();
      flush();
      expect(mailbox.size).toBe(0);
    }));
});
