import {
  bufferCount,
  concatMap,
  EMPTY,
  filter,
  from,
  groupBy,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  of,
  Subject,
  take,
  takeUntil,
  tap,
  throwError,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type Answer,
  call,
  cast,
  contract,
  defineError,
  type HandlerContext,
  type Interceptor,
  mergeBounded,
  override,
  Random,
  type Request,
  requests,
} from '../../lib/index.js';
import { aborted, type Cluster, connect, counted, failure, failureOf, type Part, Signal } from './cluster.js';

class Closed extends defineError('closed') {}

const Desk = contract('desk', '1', {
  ask: call({ input: z.string().min(1), output: z.string(), errors: [Closed] }),
  other: call<string, string>(),
  note: cast<string>(),
});
const Echo = contract('echo', '1', { echo: call<string, string>(), hang: call<undefined, string>() });

type Asked = Request<string, string>;
type Stream = (request$: Observable<Asked>) => Observable<Answer<string>>;

const atOnce: Stream = map((request) => request.reply(request.input));

/** One that handles `ask` by that stream, and all else at once. */
const serveDesk = (cluster: Cluster, ask: Stream, note: (text: string) => void = () => undefined) =>
  connect(cluster, Desk, {
    ask: requests(ask),
    other: requests(atOnce),
    note: requests(
      map((request) => {
        note(request.input);
        return request.reply();
      }),
    ),
  });

/** Streams that answer, and what becomes of them when no more requests come. */
const ways: readonly (readonly [string, Stream])[] = [
  ['completes with its requests', mergeMap((request) => request.answer(() => 'done'))],
  ['goes on without them', (request$) => merge(NEVER, request$.pipe(mergeMap((request) => request.answer(() => 'done'))))],
];

/** A stream that keeps its requests, for the test to answer. */
const keeping = () => {
  const kept: Asked[] = [];
  const answer$ = new Subject<Answer<string>>();
  const came = new Subject<Asked>();
  const handle: Stream = (request$) =>
    merge(
      answer$,
      request$.pipe(
        tap((request) => {
          kept.push(request);
          came.next(request);
        }),
        ignoreElements(),
      ),
    );
  const next = (): Promise<Asked> =>
    new Promise((resolve) => {
      came.pipe(take(1)).subscribe(resolve);
    });
  return { kept, answer$, handle, next };
};

/** A method as one stream of its requests. */
export const wholeStream: Part = (use, { virtualTime, shortMs }) => {
  describe('a whole stream', () => {
    it('answers each request by an answer of its own, in any order', async () => {
      const cluster = use();
      const { client } = await serveDesk(cluster, (request$) =>
        request$.pipe(
          bufferCount(3),
          mergeMap((three) => from(three.reverse().map((request) => request.reply(`${request.input}!`)))),
        ),
      );
      const order: string[] = [];
      const ask = async (input: string) => {
        const answer = await client.ask(input);
        order.push(answer);
        return answer;
      };
      expect(await cluster.settle(Promise.all(['a', 'b', 'c'].map(ask)))).toEqual(['a!', 'b!', 'c!']);
      expect(order).toEqual(['c!', 'b!', 'a!']);
    });

    it('handles casts as it does calls', async () => {
      const cluster = use();
      const notes: string[] = [];
      const { client } = await serveDesk(cluster, atOnce, (text) => {
        if (text === 'bad') throw new RangeError('bad');
        notes.push(text);
      });
      expect(await cluster.settle(client.note('one', { confirm: 'done' }))).toEqual({ state: 'done', server: 'server' });
      expect(notes).toEqual(['one']);
    });

    it('gets valid inputs only, as the schema yields them', async () => {
      const cluster = use();
      const { kept, handle, answer$, next } = keeping();
      const { client } = await serveDesk(cluster, handle);
      await failureOf('invalid-argument', cluster.settle(client.ask('')));
      const came = next();
      const asked = client.ask('fine').then(String);
      answer$.next((await cluster.settle(came)).reply('ok'));
      expect(await cluster.settle(asked)).toBe('ok');
      expect(kept.map(({ input }) => input)).toEqual(['fine']);
    });

    it('fails one request, and goes on', async () => {
      const cluster = use();
      const { client, server } = await serveDesk(
        cluster,
        map((request) => {
          if (request.input === 'closed') return request.fail(new Closed());
          return request.input === 'bad' ? request.fail(new RangeError('bad')) : request.reply('fine');
        }),
      );
      expect(await failureOf('remote-error', cluster.settle(client.ask('bad')))).toMatchObject({
        details: { name: 'RangeError' },
        ran: 'yes',
      });
      expect(await failure(cluster.settle(client.ask('closed')))).toBeInstanceOf(Closed);
      expect(await cluster.settle(client.ask('good'))).toBe('fine');
      expect([counted(server, 'handlers.failed'), counted(server, 'handlers.expected')]).toEqual([1, 1]);
    });

    it('leaves to its deadline what it does not answer', async () => {
      const cluster = use();
      const { server, client } = await serveDesk(cluster, ignoreElements());
      await failureOf('deadline-exceeded', cluster.settle(client.ask('a', { timeoutMs: shortMs })));
      // Each side has its own clock, and looks at it in its own time.
      while (counted(server, 'handlers.cancelled') === 0) await cluster.pass(10);
      expect(await cluster.settle(client.other('b'))).toBe('b');
      expect(counted(server, 'handlers.cancelled')).toBe(1);
    });

    it('has answers dropped, and counted, that come again, too late, from another stream or are none', async () => {
      const cluster = use();
      const { kept, handle, answer$, next } = keeping();
      const others: Asked[] = [];
      const { server, client } = await connect(cluster, Desk, {
        ask: requests(handle),
        other: requests(tapAndAnswer((request) => others.push(request))),
        note: () => undefined,
      });
      const dropped = () => [counted(server, 'handlers.stray'), counted(server, 'handlers.late')];
      let came = next();
      const first = client.ask('first').then(String);
      await cluster.settle(came);
      await cluster.settle(client.other('other'));
      answer$.next((others[0] as Asked).reply('by another stream'));
      answer$.next('no answer' as never);
      expect(dropped()).toEqual([2, 0]);
      expect(cluster.lines.map(({ message }) => message)).toContainEqual(
        expect.stringContaining('the stream of desk.ask emitted what is no answer to a request of its own'),
      );
      answer$.next((kept[0] as Asked).reply('1'));
      answer$.next((kept[0] as Asked).reply('2'));
      expect(dropped()).toEqual([3, 0]);
      expect(await cluster.settle(first)).toBe('1');
      came = next();
      const second = client.ask('second').subscribe({ error: () => undefined });
      const { context } = await cluster.settle(came);
      second.unsubscribe();
      await cluster.settle(aborted(context.signal));
      answer$.next((kept[1] as Asked).reply('too late'));
      expect(dropped()).toEqual([3, 1]);
    });

    it('may subscribe to its requests more than once, and later', async () => {
      const cluster = use();
      const ready = new Signal();
      const { client } = await serveDesk(cluster, (request$) =>
        from(ready.promise).pipe(
          mergeMap(() =>
            merge(
              request$.pipe(
                filter(({ input }) => input.startsWith('a')),
                map((request) => request.reply('an a')),
              ),
              request$.pipe(
                filter(({ input }) => !input.startsWith('a')),
                map((request) => request.reply('another')),
              ),
            ),
          ),
        ),
      );
      const asked = Promise.all(['apple', 'pear', 'avocado'].map((fruit) => client.ask(fruit)));
      await cluster.pass(20);
      ready.resolve();
      expect(await cluster.settle(asked)).toEqual(['an a', 'another', 'an a']);
    });

    it('orders and bounds its work by operators', async () => {
      const cluster = use();
      const running = new Map<string, number>();
      const most = new Map<string, number>();
      const done: string[] = [];
      const { client } = await serveDesk(cluster, (request$) =>
        request$.pipe(
          groupBy(({ input }) => input.charAt(0)),
          mergeMap((one$) =>
            one$.pipe(
              mergeBounded(1, (request) =>
                request.answer(async (input) => {
                  const now = (running.get(one$.key) ?? 0) + 1;
                  running.set(one$.key, now);
                  most.set(one$.key, Math.max(most.get(one$.key) ?? 0, now));
                  await cluster.after(input.endsWith('0') ? 10 : 1);
                  running.set(one$.key, now - 1);
                  done.push(input);
                  return input;
                }),
              ),
            ),
          ),
        ),
      );
      const inputs = ['a0', 'a1', 'b0', 'b1', 'a2', 'b2'];
      expect(await cluster.settle(Promise.all(inputs.map((input) => client.ask(input))))).toEqual(inputs);
      expect([...most]).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
      for (const key of ['a', 'b']) {
        expect(done.filter((input) => input.startsWith(key))).toEqual([`${key}0`, `${key}1`, `${key}2`]);
      }
    });
  });

  describe('work on one request of a stream', () => {
    it('gives its first value as the answer, or its failure', async () => {
      const cluster = use();
      const works: Readonly<Record<string, () => Observable<string> | Promise<string> | AsyncIterable<string> | string>> = {
        value: () => 'value',
        promise: () => Promise.resolve('promise'),
        observable: () => of('observable', 'more'),
        later: () => of('later').pipe(concatMap(async (text) => Promise.resolve(text))),
        async *iterable() {
          await cluster.after(1);
          yield 'iterable';
          yield 'more';
        },
        throws: () => {
          throw new RangeError('throws');
        },
        rejects: () => Promise.reject(new RangeError('rejects')),
        errors: () => throwError(() => new RangeError('errors')),
      };
      const { client } = await serveDesk(
        cluster,
        mergeMap((request) => request.answer((input) => (works[input] as () => string)())),
      );
      for (const way of ['value', 'promise', 'observable', 'later', 'iterable']) {
        expect(await cluster.settle(client.ask(way))).toBe(way);
      }
      for (const way of ['throws', 'rejects', 'errors']) {
        const error = await failureOf('remote-error', cluster.settle(client.ask(way)));
        expect(error.message).toBe(`[remote-error] RangeError: ${way}`);
      }
    });

    it('ends when the request is cancelled, and the calls that it makes with it', async () => {
      const cluster = use();
      const hanging = new Signal<AbortSignal>();
      const front = await cluster.node('front');
      await cluster.serve(await cluster.node('back'), Echo, {
        echo: (text) => text,
        hang: (_, { signal }) => {
          hanging.resolve(signal);
          return NEVER;
        },
      });
      let ended = 0;
      await cluster.serve(front, Desk, {
        ask: requests((request$) =>
          request$.pipe(
            mergeBounded(1, (request) =>
              request
                .answer(async (input) => (input === 'hang' ? front.client(Echo).hang() : front.client(Echo).echo(input)))
                .pipe(tap({ complete: () => (ended += 1) })),
            ),
          ),
        ),
        other: (text) => text,
        note: () => undefined,
      });
      const client = (await cluster.node('caller')).client(Desk);
      const subscription = client.ask('hang').subscribe({ error: () => undefined });
      const signal = await cluster.settle(hanging.promise);
      const waiting = client.ask('next').then(String);
      subscription.unsubscribe();
      await cluster.settle(aborted(signal));
      expect(await cluster.settle(waiting)).toBe('next');
      expect(ended).toBe(2);
    });

    it('passes on what the request brought along, which the stream outside of it does not, unless it is told to', async () => {
      const cluster = use();
      const seen: Record<string, HandlerContext> = {};
      const front = await cluster.node('front');
      await cluster.serve(await cluster.node('back'), Echo, {
        echo: (how, context) => {
          seen[how] = context;
          return how;
        },
        hang: () => NEVER,
      });
      const echo = front.client(Echo);
      await cluster.serve(front, Desk, {
        ask: requests((request$) =>
          request$.pipe(
            concatMap((request) =>
              echo.echo('outside').pipe(
                concatMap(() => echo.$with(request.context).echo('told')),
                concatMap(() => request.answer(async (input) => echo.echo(input))),
                concatMap((answer) => echo.echo('behind').pipe(map(() => answer))),
              ),
            ),
          ),
        ),
        other: (text) => text,
        note: () => undefined,
      });
      const client = (await cluster.node('caller')).client(Desk);
      const context = { user: 'Ada' };
      expect(await cluster.settle(client.ask('inside', { context, traceparent: 'trace', timeoutMs: 5_000 }))).toBe('inside');
      for (const how of ['inside', 'told']) {
        expect(seen[how]).toMatchObject({ context, traceparent: 'trace' });
        expect(seen[how]?.deadline).toBeLessThan(cluster.now() + 6_000);
      }
      for (const how of ['outside', 'behind']) {
        expect(seen[how]).toMatchObject({ context: {}, traceparent: undefined });
        expect(seen[how]?.deadline).toBeGreaterThan(cluster.now() + 6_000);
      }
    });

    it('is not started for a request that is over, and can be stopped by unsubscribing', async () => {
      const cluster = use();
      const { kept, handle, answer$, next } = keeping();
      const { client } = await serveDesk(cluster, handle);
      const came = next();
      const asked = client.ask('a').then(String);
      await cluster.settle(came);
      const [request] = kept as [Asked];
      let stopped = 0;
      const stop = request.answer(() => NEVER.pipe(tap({ unsubscribe: () => (stopped += 1) }))).subscribe();
      stop.unsubscribe();
      expect(stopped).toBe(1);
      answer$.next(request.reply('b'));
      expect(await cluster.settle(asked)).toBe('b');
      let ran = 0;
      const events: string[] = [];
      request
        .answer(() => String((ran += 1)))
        .subscribe({ next: () => events.push('next'), complete: () => events.push('complete') });
      expect([ran, events]).toEqual([0, ['complete']]);
    });
  });

  describe('a whole stream that ends', () => {
    const broken = () => throwError(() => new RangeError('broken'));
    const endings: readonly (readonly [
      string,
      (answer$: Observable<Answer<string>>, end$: Observable<void>) => ReturnType<Stream>,
    ])[] = [
      ['with an error', (answer$, end$) => merge(answer$, end$.pipe(mergeMap(broken)))],
      ['by completing', (answer$, end$) => answer$.pipe(takeUntil(end$))],
    ];
    it.each(endings)('fails what it has not answered, and starts anew, %s', async (_how, untilEnd) => {
      const cluster = use();
      const runs: Asked[][] = [];
      const { server, client } = await serveDesk(cluster, (request$) => {
        const run: Asked[] = [];
        runs.push(run);
        const end$ = new Subject<void>();
        const answer$ = request$.pipe(
          tap((request) => {
            run.push(request);
            if (request.input === 'end') end$.next();
          }),
          filter(({ input }) => input === 'later'),
          atOnce,
        );
        return untilEnd(answer$, end$);
      });
      const unanswered = failureOf('remote-error', client.ask('unanswered'));
      const last = failureOf('remote-error', client.ask('end'));
      const error = await cluster.settle(unanswered);
      expect(error).toMatchObject({
        ran: 'yes',
        message: '[remote-error] Error: the stream of desk.ask ended before it answered',
      });
      expect((error.cause as Error).message).toMatch(/broken|completed/);
      await cluster.settle(last);
      expect((runs[0]?.[0] as Asked).context.signal.aborted).toBe(true);
      // It waits for the restart.
      expect(await cluster.settle(client.ask('later'))).toBe('later');
      expect(runs.map((run) => run.map(({ input }) => input))).toEqual([['unanswered', 'end'], ['later']]);
      expect(counted(server, 'streams.ended')).toBe(1);
      expect(counted(server, 'handlers.failed')).toBe(2);
      const errors = cluster.lines.filter(({ level }) => level === 'error');
      expect(errors.map(({ message }) => message)).toEqual(['the stream of desk.ask ended, and 2 requests in it fail']);
    });

    it('leaves the other methods of its server alone', async () => {
      const cluster = use();
      const { client } = await serveDesk(
        cluster,
        map(() => {
          throw new RangeError('broken');
        }),
      );
      await failureOf('remote-error', cluster.settle(client.ask('a')));
      expect(await cluster.settle(client.other('b'))).toBe('b');
    });

    it('lets what waits for it be cancelled, and meet its deadline', async () => {
      const cluster = use();
      const runs: string[][] = [];
      const ready = new Signal();
      const { server, client } = await serveDesk(cluster, (request$) => {
        const run: string[] = [];
        runs.push(run);
        const readyRequest$ = runs.length === 1 ? request$ : from(ready.promise).pipe(mergeMap(() => request$));
        return readyRequest$.pipe(
          map((request) => {
            run.push(request.input);
            if (request.input === 'end') throw new RangeError('broken');
            return request.reply('answered');
          }),
        );
      });
      await failureOf('remote-error', cluster.settle(client.ask('end')));
      const unwanted = client.ask('unwanted').subscribe({ error: () => undefined });
      await failureOf('deadline-exceeded', cluster.settle(client.ask('late', { timeoutMs: shortMs })));
      unwanted.unsubscribe();
      await cluster.pass(20);
      ready.resolve();
      expect(await cluster.settle(client.ask('wanted'))).toBe('answered');
      expect(runs).toEqual([['end'], ['wanted']]);
      expect(counted(server, 'handlers.cancelled')).toBe(2);
    });

    if (virtualTime) {
      it('stays ended after ten restarts in a minute, and has its requests refused', async () => {
        const cluster = use();
        // The shortest waits that chance allows: what fails for ever is tried eleven times in 41 s.
        const shortest = override(Random, [], () => ({ next: () => 0 }));
        const node = await cluster.node('server', { overrides: [shortest] });
        let tries = 0;
        const echo = requests<string, string>(() => {
          tries += 1;
          return throwError(() => new RangeError(`broken ${String(tries)}`));
        });
        await cluster.serve(node, Echo, { echo, hang: () => 'here' });
        const client = (await cluster.node('caller')).client(Echo);
        const held = await failureOf('closed', cluster.settle(client.echo('held')));
        expect(held).toMatchObject({ ran: 'no', details: { what: 'the stream of echo.echo' } });
        expect(tries).toBe(11);
        expect(await failureOf('closed', cluster.settle(client.echo('refused')))).toMatchObject({ ran: 'no' });
        expect(await cluster.settle(client.hang())).toBe('here');
        expect(counted(node, 'handlers.failed')).toBe(0);
        expect(counted(node, 'streams.ended')).toBe(11);
      });
    }
  });

  describe('a whole stream whose server closes', () => {
    it.each(['close', 'drain'] as const)('has its requests complete, and may answer what it has, with %s', async (leave) => {
      const cluster = use();
      const two = new Signal();
      const events: string[] = [];
      let count = 0;
      const { served, client } = await serveDesk(cluster, (request$) =>
        request$.pipe(
          tap({
            next: () => {
              count += 1;
              if (count === 2) two.resolve();
            },
            complete: () => events.push('complete'),
          }),
          bufferCount(100),
          mergeMap((all) => from(all.map((request) => request.reply(`one of ${String(all.length)}`)))),
        ),
      );
      const asked = Promise.all([client.ask('a'), client.ask('b')]);
      await cluster.settle(two.promise);
      await cluster.settle<unknown>(served[leave]());
      expect(await cluster.settle(asked)).toEqual(['one of 2', 'one of 2']);
      expect(events).toEqual(['complete']);
      expect(cluster.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    });

    it.each(ways)('gets what was at work before it, behind an interceptor, and %s', async (_what, handle) => {
      const cluster = use();
      const [entered, go] = [new Signal(), new Signal()];
      const slow: Interceptor = (request, next) => {
        entered.resolve();
        return from(go.promise).pipe(mergeMap(() => next(request)));
      };
      const server = await cluster.node('server', { interceptors: { server: [slow] } });
      await cluster.serve(server, Desk, { ask: requests(handle), other: () => '', note: () => undefined });
      const asked = Promise.resolve((await cluster.node('caller')).client(Desk).ask('a'));
      await cluster.settle(entered.promise);
      const drained = server.drain({ timeoutMs: 5_000 });
      await cluster.pass(20);
      go.resolve();
      expect(await cluster.settle(asked)).toBe('done');
      expect(await cluster.settle(drained)).toEqual({ unfinished: [] });
      expect(cluster.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    });

    it('fails what it leaves unanswered as it completes, and is not run again', async () => {
      const cluster = use();
      const came = new Signal();
      let runs = 0;
      const { served, client } = await serveDesk(cluster, (request$) => {
        runs += 1;
        return request$.pipe(
          tap(() => {
            came.resolve();
          }),
          mergeMap(() => EMPTY),
        );
      });
      const answer = failureOf('remote-error', client.ask('a'));
      await cluster.settle(came.promise);
      expect(await cluster.settle(served.drain())).toEqual({ unfinished: [] });
      expect(await cluster.settle(answer)).toMatchObject({ ran: 'yes' });
      await cluster.pass(300);
      expect(runs).toBe(1);
      expect(cluster.lines.filter(({ level }) => level === 'error' || level === 'warn').map(({ message }) => message)).toEqual([
        'the stream of desk.ask ended, and 1 requests in it fail',
      ]);
    });

    it('is let go once its last request is over', async () => {
      const cluster = use();
      const { kept, handle, answer$, next } = keeping();
      let letGo = 0;
      const { served, client } = await serveDesk(cluster, (request$) =>
        handle(request$).pipe(tap({ unsubscribe: () => (letGo += 1) })),
      );
      const came = next();
      const asked = client.ask('a').then(String);
      await cluster.settle(came);
      await cluster.settle(served.close());
      expect(letGo).toBe(0);
      answer$.next((kept[0] as Asked).reply('still'));
      expect(letGo).toBe(1);
      expect(await cluster.settle(asked)).toBe('still');
    });
  });

  it('takes a function only', () => {
    expect(() => requests(5 as never)).toThrow('requests(…) takes a function');
  });
};

const tapAndAnswer =
  (look: (request: Asked) => unknown): Stream =>
  (request$) =>
    request$.pipe(tap(look), atOnce);
