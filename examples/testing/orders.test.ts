import { test } from 'node:test';
import { mergeMap } from 'rxjs';
import { explore, marbles, simulate } from 'skein/testing';
import { handlers, Orders, serveOrders } from './orders.js';

test('packing takes a second, and is given up in time', () =>
  marbles(({ serve, expectObservable }) => {
    const { place } = serve(Orders, handlers('alone'));
    expectObservable(place({ item: 'hat' })).toBe('1s (a|)', { a: 'hat from alone' });
    expectObservable(place({ item: 'hat' }, { timeoutMs: 500 })).toBe('500ms within 5ms #deadline-exceeded');
  }));

test('what a killed server was packing is packed by another one', () =>
  simulate({ seed: 1 }, ({ node, hot, expectObservable }) => {
    const orders = node('shop').client(Orders, { retries: 2 });
    node('a', serveOrders).faults('500ms k');
    node('b', serveOrders).faults('k 400ms s');
    const placed$ = hot('x').pipe(mergeMap(() => orders.place({ item: 'hat' })));
    expectObservable(placed$).toBe('1500ms within 500ms h', { h: 'hat from b' });
  }));

test('no order is lost, whatever goes wrong with a server', () =>
  explore({ seeds: 10, faults: { nodes: ['a'], kinds: ['kill', 'pause'] } }, ({ node, hot, eventually }) => {
    const orders = node('shop').client(Orders, { retries: 9, timeoutMs: 30_000 });
    node('a', serveOrders);
    node('b', serveOrders);
    eventually(hot('10s x').pipe(mergeMap(() => orders.place({ item: 'hat' }))), (reply) => reply.startsWith('hat'), 30_000);
  }));
