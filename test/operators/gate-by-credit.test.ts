import fc from 'fast-check';
import { EMPTY, map, Observable, type SchedulerLike, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWhileSending } from '../../lib/operators/batch-while-sending.js';
import { gateByCredit } from '../../lib/operators/gate-by-credit.js';
import { Mailbox } from '../../lib/operators/mailbox.js';
import type { Outlet } from '../../lib/operators/outlet.js';
import { marbles } from '../../lib/testing.js';
import { readyOf } from './ready-of.js';

const mailboxOf = (offers$: Observable<string>): Mailbox<string> => {
  const mailbox = new Mailbox<string>({ max: 100 });
  offers$.subscribe((value) => mailbox.offer(value));
  return mailbox;
};

/** What leaves, each batch as one text. */
const leaving = (outlet: Outlet<string>, clock: SchedulerLike): Observable<string> =>
  new Observable((subscriber) => {
    const send = (batch: string[]): Observable<never> => {
      subscriber.next(batch.join(''));
      return EMPTY;
    };
    return batchWhileSending(outlet, send, { max: 8, clock }).subscribe(subscriber);
  });

const amounts = { 1: 1, 2: 2, 5: 5, 0: 0 };

describe('gateByCredit', () => {
  it('lets nothing out as long as there is no credit', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  -ab-c--';
      const credit = '  --0----';
      const expected = '--------';
      expectObservable(leaving(gateByCredit(mailboxOf(hot(offers)), hot(credit, amounts)), clock)).toBe(expected);
    }));

  it('holds values until credit arrives, then lets them out in order, one per credit', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  -abc-----';
      const credit = '  ----2--1-';
      const expected = '----p--q-';
      const all$ = leaving(gateByCredit(mailboxOf(hot(offers)), hot(credit, amounts)), clock);
      expectObservable(all$).toBe(expected, { p: 'ab', q: 'c' });
    }));

  it('keeps credit for values that come later', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  ---a-b-c-d--';
      const credit = '  -2-------1--';
      const expected = '---a-b---c--';
      expectObservable(leaving(gateByCredit(mailboxOf(hot(offers)), hot(credit, amounts)), clock)).toBe(expected);
    }));

  it('adds up credit that comes in portions', () =>
    marbles(({ hot, expectObservable, clock }) => {
      const offers = '  -------(abcdefgh)';
      const credit = '  -1-2-2--';
      const expected = '-------p';
      const all$ = leaving(gateByCredit(mailboxOf(hot(offers)), hot(credit, amounts)), clock);
      expectObservable(all$).toBe(expected, { p: 'abcde' });
    }));

  it('tells that it is ready by value or by credit, whichever comes last', () =>
    marbles(({ hot, expectObservable }) => {
      const offers = '  -a------';
      const credit = '  ---1-2--';
      const expected = '---r-r--';
      const gate = gateByCredit(mailboxOf(hot(offers)), hot(credit, amounts));
      expectObservable(readyOf(gate).pipe(map(() => 'r'))).toBe(expected);
    }));

  it('is ready only with both a value and credit', () => {
    const mailbox = new Mailbox<string>({ max: 8 });
    const credit$ = new Subject<number>();
    const gate = gateByCredit(mailbox, credit$);
    gate.watch(() => undefined);
    const seen = [gate.hasReady];
    mailbox.offer('a');
    seen.push(gate.hasReady);
    credit$.next(1);
    seen.push(gate.hasReady);
    gate.fill([], 8);
    seen.push(gate.hasReady);
    expect(seen).toEqual([false, false, true, false]);
  });

  it('never lets out more than it had credit for, nor spends credit on the dead', () => {
    const plan = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('offer' as const), dead: fc.boolean() }),
        fc.record({ do: fc.constant('grant' as const), count: fc.nat(4) }),
        fc.record({ do: fc.constant('fill' as const), max: fc.nat(6) }),
      ),
    );
    fc.assert(
      fc.property(plan, (steps) => {
        const mailbox = new Mailbox<{ readonly id: number; readonly dead: boolean }>({ max: 1_000, isDead: ({ dead }) => dead });
        const credit$ = new Subject<number>();
        const gate = gateByCredit(mailbox, credit$);
        gate.watch(() => undefined);
        let credit = 0;
        const left: number[] = [];
        const living: number[] = [];
        steps.forEach((step, id) => {
          if (step.do === 'offer') {
            mailbox.offer({ id, dead: step.dead });
            if (!step.dead) living.push(id);
          } else if (step.do === 'grant') {
            credit += step.count;
            credit$.next(step.count);
          } else {
            const batch: { readonly id: number; readonly dead: boolean }[] = [];
            gate.fill(batch, step.max);
            expect(batch.length).toBe(Math.min(step.max, credit - left.length, living.length - left.length));
            left.push(...batch.map(({ id: one }) => one));
          }
        });
        expect(left).toEqual(living.slice(0, left.length));
      }),
    );
  });
});
