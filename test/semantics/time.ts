import { NEVER, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, contract, type ErrorCode, type NodeOptions, settle } from '../../lib/index.js';
import { aborted, type Cluster, connect, counted, ends, failure, failureOf, type Part, Signal } from './cluster.js';

const Wait = contract('wait', '1', {
  plain: call<undefined, string>(),
  limited: call<undefined, string>({ timeoutMs: 120 }),
  note: cast(),
});

const never = () => NEVER as Observable<string>;
const handlers = { plain: never, limited: never, note: () => undefined };

/** How long a request took to fail, and how. */
const timed = async ({ settle, now }: Cluster, send: () => PromiseLike<unknown>) => {
  const before = now();
  const error = await settle(failure(send()));
  return { tookMs: now() - before, error };
};

/** The wheel's tick: what a deadline may be late by in virtual time. */
const tickMs = 5;
/** What a busy machine may be late by in real time. */
const slackMs = 2_000;

/** Sections 2 and 3: deadlines, and waiting for a server. */
export const time: Part = (use, { virtualTime, shortMs }) => {
  /** That it took so long: never less, and as little more as the kind of time allows. */
  const expectTook = (tookMs: number, wantedMs: number): void => {
    expect(tookMs).toBeGreaterThanOrEqual(wantedMs);
    expect(tookMs).toBeLessThanOrEqual(wantedMs + (virtualTime ? tickMs : slackMs));
  };

  describe('a timeout', () => {
    const expectTimeout = async (cluster: Cluster, wantedMs: number, send: () => PromiseLike<unknown>): Promise<void> => {
      const { tookMs, error } = await timed(cluster, send);
      expect(error).toMatchObject({ code: 'deadline-exceeded', details: { timeoutMs: wantedMs } });
      expectTook(tookMs, wantedMs);
    };

    it('of the call wins over the client, which wins over the method, which wins over the node', async () => {
      const cluster = use();
      const { caller } = await connect(cluster, Wait, handlers, { caller: { timeoutMs: 150 } });
      const client = caller.client(Wait);
      await expectTimeout(cluster, 150, () => client.plain());
      await expectTimeout(cluster, 120, () => client.limited());
      await expectTimeout(cluster, 90, () => caller.client(Wait, { timeoutMs: 90 }).limited());
      await expectTimeout(cluster, 90, () => client.$with({ timeoutMs: 90 }).limited());
      await expectTimeout(cluster, 60, () => caller.client(Wait, { timeoutMs: 90 }).limited(undefined, { timeoutMs: 60 }));
    });

    it('gives way to an earlier deadline', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Wait, handlers);
      const before = cluster.now();
      const error = await cluster.settle(failure(client.plain(undefined, { timeoutMs: 1_000, deadline: before + 70 })));
      expect(error.code).toBe('deadline-exceeded');
      expectTook(cluster.now() - before, 70);
      const past = await cluster.settle(failure(client.plain(undefined, { deadline: before })));
      expect(past).toMatchObject({ code: 'deadline-exceeded', ran: 'no' });
    });

    it('of 0 fails at once, without sending', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Wait, { ...handlers, plain: () => 'ran' }, { timeoutMs: 0 });
      const { tookMs, error } = await timed(cluster, () => client.plain());
      expect(error).toMatchObject({ code: 'deadline-exceeded', ran: 'no' });
      expectTook(tookMs, 0);
      expect(await failureOf('deadline-exceeded', cluster.settle(client.note()))).toMatchObject({ ran: 'no' });
      expect(await failureOf('deadline-exceeded', cluster.settle(client.limited(undefined, { timeoutMs: 0 })))).toMatchObject({
        ran: 'no',
      });
      expect(ends(caller)).toEqual({ 'requests.deadline-exceeded': 3 });
      expect(await cluster.settle(client.plain(undefined, { timeoutMs: 5_000 }))).toBe('ran');
    });

    it('may be very long', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Wait, { ...handlers, plain: (_, { deadline }) => String(deadline > 0) });
      for (const timeoutMs of [2 ** 31, 1e17, Infinity]) {
        expect(await cluster.settle(client.plain(undefined, { timeoutMs }))).toBe('true');
      }
      expect(await cluster.settle(client.note(undefined, { timeoutMs: Infinity }))).toMatchObject({ state: 'accepted' });
    });

    it('that is no time is refused, as are other options that are none', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Wait, handlers);
      const odd = {
        timeoutMs: '50',
        deadline: 'soon',
        signal: {},
        context: 'abc',
        traceparent: 'x'.repeat(257),
        confirm: 'maybe',
      };
      const problems = async (options: unknown) => {
        const error = await failureOf('invalid-argument', cluster.settle(client.plain(undefined, options as never)));
        return error.details.issues.map(({ message }) => message);
      };
      expect((await problems(odd)).map((message) => message.split(' ')[0])).toEqual(Object.keys(odd));
      expect(await problems({ timeoutMS: 5 })).toEqual([
        expect.stringContaining('a request has no option timeoutMS: there are timeoutMs, '),
      ]);
      expect(await problems({ balance: 'hash' })).toEqual([expect.stringContaining('a request has no option balance')]);
      expect(await problems(7)).toEqual(['options of a request must be an object, and are 7']);
      expect(await problems(null)).toEqual(['options of a request must be an object, and are null']);
      for (const options of [{ balance: 'fair' }, { balanced: 'hash' }, 7, null]) {
        expect(() => client.$with(options as never)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
      }
    });

    it('that is no time is refused', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Wait, handlers);
      for (const timeoutMs of [-1, Number.NaN]) {
        expect(await failureOf('invalid-argument', cluster.settle(client.plain(undefined, { timeoutMs })))).toMatchObject({
          ran: 'no',
        });
        expect(() => caller.client(Wait, { timeoutMs })).toThrow('timeoutMs');
      }
    });

    if (virtualTime) {
      it('is 60 s where nothing says otherwise', async () => {
        const cluster = use();
        const { client } = await connect(cluster, Wait, handlers);
        await expectTimeout(cluster, 60_000, () => client.plain());
      });
    }
  });

  describe('a deadline', () => {
    it('is known to the handler, whose signal aborts when it is over', async () => {
      const cluster = use();
      const stopped = new Signal<unknown>();
      const began = new Signal<number>();
      const { server, client } = await connect(cluster, Wait, {
        ...handlers,
        plain: async (_, { signal, deadline }) => {
          began.resolve(deadline);
          stopped.resolve(await aborted(signal));
          return 'too late';
        },
      });
      const before = cluster.now();
      await failureOf('deadline-exceeded', cluster.settle(client.plain(undefined, { timeoutMs: shortMs })));
      const reason = await cluster.settle(stopped.promise);
      const deadline = await began.promise;
      expect(['deadline-exceeded', 'cancelled']).toContain((reason as { code: ErrorCode }).code);
      expect(deadline).toBeGreaterThan(before);
      expect(deadline).toBeLessThanOrEqual(cluster.now() + shortMs);
      expect(counted(server, 'handlers.failed')).toBe(0);
    });

    it('that passes while the request waits for its turn keeps it from being started', async () => {
      const cluster = use();
      const [started, release] = [new Signal(), new Signal<string>()];
      let ran = 0;
      const { server, client } = await connect(
        cluster,
        Wait,
        {
          ...handlers,
          plain: () => {
            ran += 1;
            started.resolve();
            return release.promise;
          },
          note: () => release.promise,
        },
        { serve: { methods: { plain: { concurrency: 1 }, note: { concurrency: 1 } } } },
      );
      const first = Promise.resolve(client.plain());
      await cluster.settle(Promise.all([started.promise, client.note()]));
      const second = failureOf('deadline-exceeded', client.plain(undefined, { timeoutMs: shortMs }));
      expect(await cluster.settle(client.note(undefined, { timeoutMs: shortMs }))).toMatchObject({ state: 'accepted' });
      await cluster.settle(second);
      await cluster.settle(cluster.after(shortMs));
      release.resolve('done');
      expect(await cluster.settle(first)).toBe('done');
      expect(await cluster.settle(client.plain())).toBe('done');
      expect(ran).toBe(2);
      expect(counted(server, 'mailbox.expired')).toBeGreaterThan(0);
      expect(cluster.lines.filter(({ message }) => message.includes('accepted cast'))).toHaveLength(1);
    });

    it('drops an answer that comes too late, and counts it', async () => {
      const cluster = use();
      const [release, answered] = [new Signal<string>(), new Signal()];
      const { server, caller, client } = await connect(cluster, Wait, {
        ...handlers,
        plain: async () => {
          const value = await release.promise;
          queueMicrotask(() => queueMicrotask(() => answered.resolve()));
          return value;
        },
      });
      await failureOf('deadline-exceeded', cluster.settle(client.plain(undefined, { timeoutMs: shortMs })));
      await cluster.settle(cluster.after(30));
      release.resolve('late');
      await cluster.settle(answered.promise);
      await cluster.settle(client.note());
      expect(counted(server, 'handlers.late') + counted(caller, 'answers.late')).toBe(1);
      expect(ends(caller)).toEqual({ 'requests.deadline-exceeded': 1, 'requests.ok': 1 });
    });

    if (virtualTime) {
      it('ends a request whenever its node closes', async () => {
        const cluster = use();
        await cluster.serve(await cluster.node('server'), Wait, handlers);
        const codes = new Set<ErrorCode>();
        // The request meets its wire before its time is up, after it, and in between of that and the tick that says so.
        for (let timeoutMs = 1; timeoutMs <= 12; timeoutMs += 1) {
          for (let lateMs = -1; lateMs <= 5; lateMs += 1) {
            const caller = await cluster.node(`caller-${String(timeoutMs)}-${String(lateMs)}`);
            const error = failure(caller.client(Wait).plain(undefined, { timeoutMs }));
            await cluster.settle(cluster.after(timeoutMs + lateMs));
            await cluster.settle(caller.close());
            codes.add((await cluster.settle(error)).code);
          }
        }
        expect([...codes].sort()).toEqual(['closed', 'deadline-exceeded']);
      });
    }

    if (!virtualTime) {
      it('is kept where the handlers before it blocked the process', async () => {
        const cluster = use();
        const ran: number[] = [];
        const Block = contract('block', '1', { spin: cast<number>(), ready: call() });
        const { client } = await connect(cluster, Block, {
          ready: () => undefined,
          spin: (i, { deadline }) => {
            ran.push(cluster.now() < deadline ? i : Number.NaN);
            const until = performance.now() + 60;
            while (performance.now() < until);
          },
        });
        await cluster.settle(client.ready());
        const receipts = [0, 1, 2, 3, 4].map((i) => client.spin(i, { timeoutMs: 100 }));
        await cluster.settle(Promise.allSettled(receipts));
        await cluster.settle(client.ready());
        expect(ran.length).toBeLessThan(4);
        expect(ran).toEqual(ran.map((_, i) => i));
      });
    }
  });

  describe('a request without a server', () => {
    const alone = (cluster: Cluster, options: Omit<NodeOptions, 'url'>) => cluster.node('caller', options);

    it('fails at once where noServerMs is 0', async () => {
      const cluster = use();
      const caller = await alone(cluster, { noServerMs: 0 });
      for (const client of [caller.client(Wait), caller.client(Wait).$on('nobody')]) {
        const { error, tookMs } = await timed(cluster, () => client.plain());
        expect(error).toMatchObject({ code: 'no-server', ran: 'no', details: { topic: 'wait' } });
        expectTook(tookMs, 0);
        expect(await failureOf('no-server', cluster.settle(client.note()))).toMatchObject({ ran: 'no' });
      }
      expect(ends(caller)).toEqual({ 'requests.no-server': 4 });
    });

    if (!virtualTime) {
      it('lets a server be heard of by who asks again at each failure', async () => {
        const cluster = use();
        const client = (await alone(cluster, { noServerMs: 0 })).client(Wait);
        await failureOf('no-server', Promise.resolve(client.plain()));
        const ask = async (): Promise<string> => {
          for (let failures = 0; failures < 100_000; failures++) {
            const outcome = await settle(client.plain());
            if (outcome.ok) return outcome.value;
            expect(outcome.error).toMatchObject({ code: 'no-server' });
          }
          return 'never';
        };
        const [answer] = await Promise.all([
          ask(),
          cluster.node('server').then((node) => cluster.serve(node, Wait, { ...handlers, plain: () => 'hi' })),
        ]);
        expect(answer).toBe('hi');
      });
    }

    it('waits for noServerMs', async () => {
      const cluster = use();
      const caller = await alone(cluster, { noServerMs: 150 });
      for (const client of [caller.client(Wait), caller.client(Wait).$on('nobody')]) {
        const { error, tookMs } = await timed(cluster, () => client.plain());
        expect(error.code).toBe('no-server');
        expectTook(tookMs, 150);
      }
    });

    it('waits no longer than its deadline', async () => {
      const cluster = use();
      const caller = await alone(cluster, { noServerMs: 10_000 });
      await cluster.settle(caller.client(Wait).$fanout.note());
      const { error, tookMs } = await timed(cluster, () => caller.client(Wait).plain(undefined, { timeoutMs: 80 }));
      expect(error).toMatchObject({ code: 'no-server', ran: 'no' });
      expectTook(tookMs, 80);
    });

    it('is answered where a server comes in time, pinned or not', async () => {
      const cluster = use();
      const caller = await alone(cluster, { noServerMs: 8_000 });
      const client = caller.client(Wait);
      const answers = [client.plain(), client.$on('server').plain()].map((answer) => Promise.resolve(answer));
      const receipt = client.note();
      await cluster.settle(cluster.after(30));
      await cluster.serve(await cluster.node('server'), Wait, { ...handlers, plain: () => 'hi' });
      expect(await cluster.settle(Promise.all(answers))).toEqual(['hi', 'hi']);
      expect(await cluster.settle(receipt)).toMatchObject({ state: 'accepted', server: 'server' });
    });

    if (virtualTime) {
      it('waits for 2 s where nothing says otherwise', async () => {
        const cluster = use();
        const caller = await alone(cluster, {});
        for (const client of [caller.client(Wait), caller.client(Wait).$on('nobody')]) {
          const { error, tookMs } = await timed(cluster, () => client.plain());
          expect(error.code).toBe('no-server');
          expectTook(tookMs, 2_000);
        }
      });
    }
  });
};
