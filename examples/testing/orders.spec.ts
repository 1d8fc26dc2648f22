import { mergeMap } from 'rxjs';
import { marbles, simulate } from 'skein/testing';
import { expect, it } from 'vitest';
import { handlers, Orders, serveOrders } from './orders.js';

it('answers with what was packed', () =>
  marbles(async ({ serve }) => {
    expect(await serve(Orders, handlers('alone')).place({ item: 'hat' })).toBe('hat from alone');
  }));

it('goes on once the link is healed', () =>
  simulate({ seed: 1 }, ({ node, link, hot, expectObservable }) => {
    const orders = node('shop').client(Orders, { timeoutMs: 5_000 });
    node('a', serveOrders);
    link('shop<>a', '2s x 1s o');
    const placed$ = hot('x 2500ms y 10s z').pipe(mergeMap(() => orders.place({ item: 'hat' })));
    expectObservable(placed$).toBe('1s h within 5s h within 15s h', { h: expect.stringContaining('hat') as never });
  }));
