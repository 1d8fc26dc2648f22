import { lastValueFrom, NEVER, type Observable, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, Codec, contract, isSkeinError, override, SkeinError } from '../../lib/index.js';
import { type Cluster, connect, counted, ends, failure, failureOf, type Part, Signal } from './cluster.js';

const Fail = contract('fail', '1', { how: call<string, unknown>(), note: cast<string>(), never: call() });

class OutOfStock extends Error {
  override readonly name = 'OutOfStock';
  readonly code = 'OUT_OF_STOCK';
  readonly details = { item: 'goose', left: 0 };
}

/** What another protocol, or another version of this one, says to everything. */
class Foreign extends Codec {
  readonly #bytes: readonly number[];

  constructor(bytes: readonly number[]) {
    super();
    this.#bytes = bytes;
  }

  override encode(): readonly Uint8Array[] {
    return [Uint8Array.from(this.#bytes)];
  }

  override decode(): never {
    throw new SkeinError('protocol-error', { reason: 'it understands nothing' });
  }

  override measure(): number {
    return 0;
  }

  override keep(payload: unknown): unknown {
    return payload;
  }
}

const circular: Record<string, unknown> = {};
circular.self = circular;

const rejecting = (thrown: unknown) => async (): Promise<never> => {
  throw thrown;
};

/** Each a handler that fails in its own way. */
const ways: Readonly<Record<string, () => unknown>> = {
  ok: () => 'ok',
  throws: () => {
    throw new OutOfStock('no geese', { cause: new RangeError('empty', { cause: 'a text' }) });
  },
  rejects: () => Promise.reject(new OutOfStock('no geese')),
  observable: () => throwError(() => new OutOfStock('no geese')),
  async *iterable() {
    yield* [];
    throw new OutOfStock('no geese');
  },
  text: rejecting('only a text'),
  nothing: rejecting(undefined),
  symbol: rejecting(Symbol('odd')),
  bare: () => {
    throw Object.create(null) as Error;
  },
  oddMessage: () => {
    throw Object.assign(new Error('x'), { message: 42, name: { no: 'text' }, code: 7 });
  },
  hostile: () => {
    throw Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('y');
      },
    });
  },
  unsendable: () => {
    throw Object.assign(new Error('with details'), { code: 'E_ODD', details: { callback: () => undefined } });
  },
  circular: () => {
    throw Object.assign(new Error('with details'), { details: circular });
  },
  selfCaused: () => {
    const error = new Error('its own cause');
    error.cause = error;
    throw error;
  },
  long: () => {
    throw new Error('x'.repeat(100_000));
  },
  skein: () => {
    throw new SkeinError('forbidden', { rule: 'none of this' });
  },
  badIterable: () => ({
    [Symbol.asyncIterator]: () => {
      throw new Error('no iterator');
    },
  }),
  badThen: () => ({
    get then() {
      throw new Error('no then');
    },
  }),
  badIterator: () => ({ [Symbol.asyncIterator]: () => ({ next: () => 'no promise' }) }),
};

const handlers = {
  how: (way: string) => ways[way]?.(),
  note: (way: string) => ways[way]?.(),
  never: () => NEVER as Observable<undefined>,
};

/** Section 5: what an error says, and what it does not touch. */
export const errors: Part = (use, { registers, copies }) => {
  describe('an error', () => {
    it.runIf(copies)('has a code, and says whether the work ran', async () => {
      const cluster = use();
      const { caller, server, client } = await connect(cluster, Fail, handlers, { caller: { noServerMs: 0 } });
      const Other = contract('other', '1', Fail.methods);
      const Newer = contract('fail', '2', Fail.methods);
      const More = contract('fail', '1', { more: call() });
      const stop = new AbortController();
      const never = client.never(undefined, { signal: stop.signal });
      const cancelled = failure(never);
      await cluster.settle(client.how('ok'));
      stop.abort();
      const closing = await cluster.node('closing');
      await closing.close();
      const sent: Record<string, () => PromiseLike<SkeinError>> = {
        'invalid-argument no': () => failure(client.how(Symbol('x') as never)),
        'no-server no': () => failure(caller.client(Other).how('ok')),
        'no-such-method no': () => failure(caller.client(More).more()),
        'unsupported-version no': () => failure(caller.client(Newer).how('ok')),
        'deadline-exceeded unknown': () => failure(client.never(undefined, { timeoutMs: 500 })),
        'deadline-exceeded no': () => failure(client.never(undefined, { timeoutMs: 0 })),
        'cancelled unknown': () => cancelled,
        'cancelled no': () => failure(client.never(undefined, { signal: AbortSignal.abort() })),
        'payload-too-large no': () => failure(client.how('x'.repeat(65 * 1024 * 1024))),
        'remote-error yes': () => failure(client.how('throws')),
        'closed no': () => failure(closing.client(Fail).how('ok')),
      };
      for (const [says, fails] of Object.entries(sent)) {
        const error = await cluster.settle(fails());
        expect(`${error.code} ${error.ran}`).toBe(says);
        expect(error).toBeInstanceOf(SkeinError);
        expect(error).toBeInstanceOf(Error);
        expect(isSkeinError(error)).toBe(true);
        expect(error.message.startsWith(`[${error.code}] `)).toBe(true);
      }
      expect(() => caller.client(Fail).$on('')).toThrow('[invalid-target]');
      expect(counted(server, 'handlers.failed')).toBe(1);
    });

    it.runIf(copies)('of a peer that speaks something else says so, and nothing was sent', async () => {
      const cluster = use();
      const speaks: Record<string, readonly number[]> = { 'protocol-error': [0xc1], 'unsupported-version': [0x91, 0x02] };
      const caller = await cluster.node('caller');
      for (const [code, bytes] of Object.entries(speaks)) {
        const foreign = await cluster.node(`speaks ${code}`, { overrides: [override(Codec, [], () => new Foreign(bytes))] });
        await cluster.serve(foreign, Fail, handlers, { server: code });
        const error = await cluster.settle(failure(caller.client(Fail).$on(code).how('ok')));
        expect(error).toMatchObject({ code, ran: 'no' });
      }
    });

    it('of a handler has its name, message, code, details and causes, and no stack', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Fail, handlers);
      for (const way of ['throws', 'rejects', 'observable', 'iterable']) {
        const error = await failureOf('remote-error', cluster.settle(client.how(way)));
        expect(error.message).toBe('[remote-error] OutOfStock: no geese');
        expect(error.details).toEqual({ name: 'OutOfStock', code: 'OUT_OF_STOCK', details: { item: 'goose', left: 0 } });
        expect(error.ran).toBe('yes');
        expect(error.stack ?? '').not.toContain('test/semantics/errors.ts:2');
        expect(error.stack ?? '').not.toContain('on the server');
      }
      const { cause } = await failureOf('remote-error', cluster.settle(client.how('throws')));
      expect(cause).toMatchObject({
        code: 'remote-error',
        details: { name: 'RangeError' },
        cause: { details: { name: 'Error' } },
      });
      expect((cause as Error).message).toContain('empty');
      expect(((cause as Error).cause as Error).message).toContain('a text');
    });

    it('of a handler has its stack where the server is told to send it', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Fail, handlers, { server: { sendStacks: true } });
      const error = await failureOf('remote-error', cluster.settle(client.how('throws')));
      expect(error.stack).toContain('on the server');
      expect(error.stack).toContain('errors.ts');
    });

    it.runIf(copies)('of a handler may be anything that can be thrown', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Fail, handlers);
      const messages: Record<string, string> = {};
      for (const way of [
        'text',
        'nothing',
        'symbol',
        'bare',
        'oddMessage',
        'hostile',
        'unsendable',
        'circular',
        'selfCaused',
        'skein',
        'long',
      ]) {
        const error = await failureOf('remote-error', cluster.settle(client.how(way)));
        messages[way] = error.message;
      }
      expect(messages).toMatchObject({
        text: '[remote-error] Error: only a text',
        skein: expect.stringContaining('none of this') as string,
      });
      expect(messages.long?.length).toBeLessThan(10_000);
      expect(await failureOf('remote-error', cluster.settle(client.how('unsendable')))).toMatchObject({
        details: { code: 'E_ODD' },
      });
      expect(await failureOf('remote-error', cluster.settle(client.how('skein')))).toMatchObject({
        details: { code: 'forbidden' },
      });
      expect(await cluster.settle(client.how('ok'))).toBe('ok');
    });

    it('of a handler ends nothing else where the logger fails, or nothing can be asked of what was thrown', async () => {
      const cluster = use();
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      const broken = (): void => {
        throw new Error('no log');
      };
      const iterable = {
        [Symbol.asyncIterator]: () => ({ next: async () => Promise.resolve({ value: 'one', done: false }), return: broken }),
      };
      const Odd = contract('odd', '1', {
        thrown: call(),
        rejected: call(),
        ended: call<undefined, string>(),
        iterated: call<undefined, string>(),
        slow: call<undefined, string>(),
      });
      const warnings: Error[] = [];
      const onWarning = (warning: Error): unknown => warnings.push(warning);
      process.on('warning', onWarning);
      const { client } = await connect(
        cluster,
        Odd,
        {
          thrown: () => {
            throw proxy as Error;
          },
          rejected: () => Promise.reject(proxy as Error),
          ended: () =>
            ({
              [Symbol.asyncIterator]: () => ({
                next: () => Promise.resolve(Object.defineProperty({}, 'done', { get: broken })),
              }),
            }) as unknown as AsyncIterable<string>,
          iterated: () => iterable as AsyncIterable<string>,
          slow: async () => {
            await cluster.after(20);
            return 'slow';
          },
        },
        { server: { logger: { debug: broken, info: broken, warn: broken, error: broken } } },
      );
      const slow = Promise.resolve(client.slow());
      await failureOf('remote-error', cluster.settle(client.thrown()));
      await failureOf('remote-error', cluster.settle(client.rejected()));
      await failureOf('remote-error', cluster.settle(client.ended()));
      const aborting = new AbortController();
      const aborted = failureOf('cancelled', Promise.resolve(client.slow(undefined, { signal: aborting.signal })));
      queueMicrotask(() =>
        queueMicrotask(() => {
          aborting.abort(proxy);
        }),
      );
      await cluster.settle(aborted);
      expect(await cluster.settle(client.iterated())).toBe('one');
      expect(await cluster.settle(slow)).toBe('slow');
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', onWarning);
      expect(warnings.map(({ message }) => message)).toContainEqual(expect.stringContaining('no log'));
    });

    it('of a handler is logged once, with its stack, at the server', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Fail, handlers);
      await failureOf('remote-error', cluster.settle(client.how('throws')));
      const logged = cluster.lines.filter(({ level }) => level === 'error');
      expect(logged).toHaveLength(1);
      expect(logged[0]).toMatchObject({
        message: 'the handler of how failed',
        fields: { error: expect.any(OutOfStock) as Error },
      });
    });

    it('of a handler ends no other call, nor the link or the service', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Fail, handlers);
      const held = Promise.resolve(client.never(undefined, { timeoutMs: 500 }));
      const outlived = failureOf('deadline-exceeded', held);
      for (const way of Object.keys(ways).filter((name) => name !== 'ok')) {
        const [failed, fine] = await cluster.settle(Promise.all([failure(client.how(way)), client.how('ok')]));
        expect(`${way}: ${failed.code}`).toBe(`${way}: remote-error`);
        expect(fine).toBe('ok');
        expect(await cluster.settle(client.note(way))).toMatchObject({ state: 'accepted' });
      }
      await cluster.settle(outlived);
      expect(caller.counters().get('requests.link-lost')).toBeUndefined();
    });
  });

  describe('closing a node', () => {
    it('ends what it has under way, and refuses what comes later', async () => {
      const cluster = use();
      const started = new Signal();
      const { caller, client } = await connect(cluster, Fail, {
        ...handlers,
        never: () => (started.resolve(), NEVER as Observable<undefined>),
      });
      const Other = contract('other', '1', Fail.methods);
      const underWay = failureOf('closed', client.never());
      const waiting = failureOf('closed', caller.client(Other).how('ok'));
      await cluster.settle(started.promise);
      await cluster.settle(caller.close());
      expect(await cluster.settle(underWay)).toMatchObject({ ran: 'unknown' });
      expect(await cluster.settle(waiting)).toMatchObject({ ran: 'no' });
      const later = [
        () => client.how('ok'),
        () => client.note('ok'),
        () => client.$fanout.note('ok'),
        () => caller.client(Other).how('ok'),
        () => caller.client(Other).$fanout.note('ok'),
        () => caller.serve(Fail, handlers),
      ];
      for (const send of later) expect(await failureOf('closed', cluster.settle(send()))).toMatchObject({ ran: 'no' });
      await cluster.settle(caller.close());
    });

    it('ends a fanout that waits', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Fail, { ...handlers, note: () => NEVER });
      const receipts = client.$fanout.note('x', { confirm: 'done' });
      await cluster.settle(client.how('ok'));
      await cluster.settle(caller.close());
      expect(await cluster.settle(receipts)).toMatchObject([{ server: 'server', ok: false, error: { code: 'closed' } }]);
    });

    it('completes its streams', async () => {
      const cluster = use();
      const node = await cluster.node('node');
      const ended = Promise.all(
        [node.peers$, node.tree$, node.undeliverable$].map((ending$) =>
          lastValueFrom<unknown, unknown>(ending$ as Observable<unknown>, { defaultValue: undefined }),
        ),
      );
      await cluster.settle(node.close());
      // Each of them, however busy the machine is.
      expect(await cluster.settle(ended)).toHaveLength(3);
    });

    it('aborts what its servers have at work', async () => {
      const cluster = use();
      const [started, stopped] = [new Signal(), new Signal<unknown>()];
      const { server, client } = await connect(cluster, Fail, {
        ...handlers,
        never: (_, { signal }) => {
          signal.addEventListener('abort', () => stopped.resolve(signal.reason));
          started.resolve();
          return NEVER as Observable<undefined>;
        },
      });
      const failed = failure(client.never());
      await cluster.settle(started.promise);
      await cluster.settle(server.close());
      expect(await cluster.settle(stopped.promise)).toBeInstanceOf(SkeinError);
      expect(await cluster.settle(failed)).toMatchObject({ code: 'link-lost', ran: 'unknown' });
    });
  });

  describe('every end', () => {
    it('is counted once, by how it ended', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Fail, handlers, { caller: { noServerMs: 0 } });
      const sends: PromiseLike<unknown>[] = [
        ...['ok', 'ok', 'throws', 'rejects'].map((way) => client.how(way)),
        client.note('ok'),
        client.note('throws', { confirm: 'done' }),
        client.never(undefined, { timeoutMs: 20 }),
        client.$on('nobody').how('ok'),
        client.how('ok', { timeoutMs: 0 }),
        client.$fanout.note('ok'),
      ];
      const unsubscribed = client.never().subscribe();
      await cluster.settle(Promise.allSettled(sends));
      unsubscribed.unsubscribe();
      expect(ends(caller)).toEqual({
        'requests.ok': 4,
        'requests.remote-error': 3,
        'requests.deadline-exceeded': 2,
        'requests.no-server': 1,
        'requests.cancelled': 1,
      });
    });

    if (registers) {
      it('comes where too many requests wait for a server', async () => {
        const cluster = use();
        const caller = await cluster.node('caller', { noServerMs: 300 });
        const client = caller.client(Fail);
        await cluster.settle(client.$fanout.note('is the directory there?'));
        const { stackTraceLimit } = Error;
        // The test runner's stacks take most of the time that so many errors take.
        Error.stackTraceLimit = 0;
        try {
          const waiting = Array.from({ length: 65_537 }, () => failure(client.how('ok')));
          expect(await cluster.settle(waiting.at(-1)!)).toMatchObject({ code: 'overloaded', ran: 'no' });
          await cluster.settle(Promise.all(waiting));
        } finally {
          Error.stackTraceLimit = stackTraceLimit;
        }
        expect(ends(caller)).toEqual({ 'requests.overloaded': 1, 'requests.no-server': 65_536 });
      });
    }

    it('of a server that is closed is told to who waits there', async () => {
      const cluster = use();
      const started = new Signal();
      const { served, client } = await connect(
        cluster,
        contract('one', '1', { hold: call<undefined, string>({ concurrency: 1 }), note: cast({ concurrency: 1 }) }),
        { hold: () => (started.resolve(), NEVER as Observable<string>), note: () => NEVER },
      );
      const working = Promise.resolve(client.hold(undefined, { timeoutMs: 300 }));
      const expired = failureOf('deadline-exceeded', working);
      await cluster.settle(started.promise);
      const waiting = failure(client.hold());
      await cluster.settle(client.note());
      expect(await cluster.settle(client.note())).toMatchObject({ state: 'accepted' });
      await cluster.settle(served.close());
      // A ring file lists the server all the same, so that it is asked once more.
      expect(await cluster.settle(waiting)).toMatchObject({
        code: expect.stringMatching(/^(closed|no-server)$/) as string,
        ran: 'no',
      });
      await cluster.settle(expired);
      expect(dropped(cluster)).toHaveLength(1);
    });
  });
};

/** What a server has logged of accepted casts that it did not do. */
const dropped = ({ lines }: Cluster) =>
  lines.filter(({ level, message }) => level === 'warn' && message.includes('accepted cast'));
