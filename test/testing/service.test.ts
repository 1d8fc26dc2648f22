import { setTimeout as sleep } from 'node:timers/promises';
import { interval, map, mergeMap, Observable, takeUntil, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call, cast, contract, type HandlerContext, requests, settle } from '../../lib/index.js';
import { marbles } from '../../lib/testing.js';

const Greeter = contract('greeter', '1.0', {
  hello: call({ input: z.object({ name: z.string() }), output: z.string() }),
  count: call<number, number>(),
  told: call<undefined, unknown>(),
  note: cast<string>(),
});

const handlers = {
  hello: ({ name }: { name: string }, { signal }: HandlerContext) => sleep(200, `Hello, ${name}!`, { signal }),
  count: (from: number) => timer(100).pipe(map(() => from + 1)),
  told: (_: undefined, { context, deadline }: HandlerContext) => ({ context, deadline: deadline - Date.now() }),
  note: () => undefined,
};

describe('a service that is handled alone', () => {
  it('answers within virtual time, by promise or by stream', () =>
    marbles(({ serve, hot, expectObservable }) => {
      const { hello, count } = serve(Greeter, handlers);
      expectObservable(hot('Ada 1s Bob').pipe(mergeMap((name) => hello({ name })))).toBe('200ms a 1s b', {
        a: 'Hello, Ada!',
        b: 'Hello, Bob!',
      });
      expectObservable(count(1)).toBe('100ms (2|)');
    }));

  it('has its schemas, deadlines and context', () =>
    marbles(async ({ serve, expectObservable }) => {
      const greeter = serve(Greeter, handlers, { client: { context: { user: 'Ada' } } });
      expectObservable(greeter.hello({ name: 5 } as never)).toBe('#invalid-argument');
      expectObservable(greeter.hello({ name: 'Ada' }, { timeoutMs: 100 })).toBe('100ms within 5ms #deadline-exceeded');
      expect(await greeter.told(undefined, { timeoutMs: 3_000 })).toEqual({ context: { user: 'Ada' }, deadline: 3_000 });
      expect(await greeter.note('x', { confirm: 'done' })).toMatchObject({ state: 'done' });
    }));

  it('is cancelled when whoever asked leaves', () =>
    marbles(({ serve, cold, expectObservable, expectSubscriptions }) => {
      const work$ = cold<number>('10s (a|)', { a: 1 });
      const { count } = serve(Greeter, { ...handlers, count: () => work$ });
      expectObservable(count(1).pipe(takeUntil(timer(500)))).toBe('500ms |');
      expectSubscriptions(work$).toBe('^ 500ms !');
    }));

  it('refuses what is too much', () =>
    marbles(async ({ serve }) => {
      const { count } = serve(Greeter, handlers, { methods: { count: { concurrency: 1, queue: 1 } } });
      const outcomes = await Promise.all([1, 2, 3].map((from) => settle(count(from))));
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(2);
      expect(outcomes.find(({ ok }) => !ok)).toMatchObject({ error: { code: 'overloaded' } });
    }));

  it('may be a whole stream', () =>
    marbles(({ serve, hot, expectObservable }) => {
      const { count } = serve(Greeter, {
        ...handlers,
        count: requests((request$) => request$.pipe(mergeMap((request) => request.answer((from) => sleep(50, from * 2))))),
      });
      expectObservable(hot('1 1s 2').pipe(mergeMap((from) => count(Number(from))))).toBe('50ms 2 1s 4');
    }));

  it('is let go with the test, and what it leaves open is named', async () => {
    const failure: unknown = await marbles(async ({ serve }) => {
      const { told } = serve(Greeter, {
        ...handlers,
        told: () => {
          interval(10).subscribe();
          return new Observable((subscriber) => subscriber.next('told'));
        },
      });
      expect(await told()).toBe('told');
    }).catch((error: unknown) => error);
    expect((failure as Error).message).toContain('setInterval of 10 ms, at test/testing/service.test.ts:');
  });
});
