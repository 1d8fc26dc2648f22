import { AsyncResource } from 'node:async_hooks';
import { firstValueFrom, mergeMap, NEVER, type Observable, timeout } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, contract, type HandlerContext, type Node } from '../../lib/index.js';
import { aborted, type Cluster, failure, failureOf, type Part, Signal } from './cluster.js';

const Front = contract('front', '1', { ask: call<string, unknown>() });
const Back = contract('back', '1', { look: call<undefined, unknown>(), note: cast<string>() });

/** What each handler at the far end was told. */
interface Seen {
  readonly contexts: HandlerContext[];
  readonly notes: HandlerContext[];
}

/** A caller, a front that asks a back in turn, and what the back is told. */
const chain = async (
  { node, serve }: Cluster,
  ask: (front: Node, context: HandlerContext, how: string) => unknown,
  look: (context: HandlerContext) => unknown = () => 'looked',
) => {
  const seen: Seen = { contexts: [], notes: [] };
  const back = await node('back');
  await serve(back, Back, {
    look: (_, context) => {
      seen.contexts.push(context);
      return look(context);
    },
    note: (_, context) => seen.notes.push(context),
  });
  const front = await node('front');
  await serve(front, Front, { ask: (how, context) => ask(front, context, how) });
  const caller = await node('caller');
  return { seen, front, client: caller.client(Front) };
};

const never = () => NEVER as Observable<unknown>;

/** Runs the work where no handler is under way, as a worker that was started before does; a call must be sent in there. */
const outside = AsyncResource.bind((work: () => unknown) => work());

/** Sections 2 and 3: what a handler's own calls inherit. */
export const nested: Part = (use, { virtualTime, shortMs }) => {
  describe('a call that a handler makes', () => {
    it('has no more time than is left of the one that it serves', async () => {
      const cluster = use();
      const { seen, client } = await chain(cluster, async (front, { deadline }) => {
        await cluster.after(20);
        await front.client(Back).look(undefined, { timeoutMs: 60_000 });
        return deadline;
      });
      const deadline = await cluster.settle(client.ask('', { timeoutMs: 2_000 }));
      const [{ deadline: inner }] = seen.contexts as [HandlerContext];
      // On the way it lost the time of the way, and was rounded up to whole ms.
      expect(inner).toBeLessThanOrEqual((deadline as number) + (virtualTime ? 2 : 1_000));
      expect(inner).toBeGreaterThan((deadline as number) - 1_000);
    });

    it('may have less', async () => {
      const cluster = use();
      const { client } = await chain(
        cluster,
        async (front) => (await failure(front.client(Back).look(undefined, { timeoutMs: 40 }))).code,
        never,
      );
      expect(await cluster.settle(client.ask('', { timeoutMs: 5_000 }))).toBe('deadline-exceeded');
    });

    it('ends at the deadline of the one that it serves', async () => {
      const cluster = use();
      const ended = new Signal<unknown>();
      const { client } = await chain(
        cluster,
        (front) => front.client(Back).look(),
        async ({ signal }) => ended.resolve(await aborted(signal)),
      );
      await failureOf('deadline-exceeded', cluster.settle(client.ask('', { timeoutMs: shortMs })));
      const reason = await cluster.settle(ended.promise);
      expect(['deadline-exceeded', 'cancelled']).toContain((reason as { code: string }).code);
    });

    it('is cancelled with the one that it serves, however deep', async () => {
      const cluster = use();
      const [started, ended] = [new Signal(), new Signal<unknown>()];
      const { front, client } = await chain(
        cluster,
        async (node, _, depth) => (depth === '0' ? node.client(Back).look() : node.client(Front).ask(String(Number(depth) - 1))),
        ({ signal }) => {
          void aborted(signal).then((reason) => ended.resolve(reason));
          started.resolve();
          return never();
        },
      );
      const subscription = client.ask('3').subscribe();
      await cluster.settle(started.promise);
      subscription.unsubscribe();
      expect(await cluster.settle(ended.promise)).toMatchObject({ code: 'cancelled' });
      expect(front.counters().get('requests.cancelled')).toBe(4);
    });

    it('is not sent once the one that it serves is cancelled', async () => {
      const cluster = use();
      const [started, ended] = [new Signal(), new Signal<unknown>()];
      const { seen, client } = await chain(cluster, async (front, { signal }) => {
        started.resolve();
        await aborted(signal);
        ended.resolve(await failure(front.client(Back).look()));
      });
      const subscription = client.ask('').subscribe();
      await cluster.settle(started.promise);
      subscription.unsubscribe();
      expect(await cluster.settle(ended.promise)).toMatchObject({ code: 'cancelled', ran: 'no' });
      expect(seen.contexts).toEqual([]);
    });

    it('takes context and trace along, to calls, casts and fanouts alike', async () => {
      const cluster = use();
      const { seen, client } = await chain(cluster, async (front) => {
        const back = front.client(Back);
        await back.look(undefined, { context: { more: 'b' } });
        await back.look(undefined, { traceparent: '00-other-1-00' });
        await back.note('cast');
        await back.$fanout.note('fanout');
      });
      await cluster.settle(client.ask('', { context: { tenant: 'a' }, traceparent: '00-trace-span-01' }));
      expect(seen.contexts.map(({ context, traceparent }) => [context, traceparent])).toEqual([
        [{ tenant: 'a', more: 'b' }, '00-trace-span-01'],
        [{ tenant: 'a' }, '00-other-1-00'],
      ]);
      expect(seen.notes.map(({ context, traceparent }) => [context, traceparent])).toEqual([
        [{ tenant: 'a' }, '00-trace-span-01'],
        [{ tenant: 'a' }, '00-trace-span-01'],
      ]);
    });

    it('takes no more context along than one request may have, however many add to it', async () => {
      const cluster = use();
      const entries = (prefix: string) =>
        Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${prefix}${String(i)}`, 'x']));
      const { seen, client } = await chain(cluster, (front) =>
        failureOf('invalid-argument', front.client(Back).look(undefined, { context: entries('b') })).then(
          ({ message }) => message,
        ),
      );
      const told = await cluster.settle(client.ask('', { context: entries('a') }));
      expect(told).toContain('context has more than 64 entries');
      expect(seen.contexts).toEqual([]);
    });

    it('takes the context as it is when it is sent, and none that is no map of texts', async () => {
      const cluster = use();
      const { seen, client } = await chain(cluster, async (front) => {
        const own: Record<string, unknown> = { user: 'ann' };
        const back = front.client(Back, { context: own as never });
        const asked = back.look().then((value) => value);
        own.user = 'bob';
        await asked;
        own.user = 42;
        await failureOf('invalid-argument', back.look());
        for (const odd of [['a'], new Date(), new Map([['a', 1]]), 'abc']) {
          await failureOf('invalid-argument', back.look(undefined, { context: odd as never }));
        }
      });
      await cluster.settle(client.ask(''));
      expect(seen.contexts.map(({ context }) => context)).toEqual([{ user: 'ann' }]);
    });

    it('inherits through timers, promises and Observables', async () => {
      const cluster = use();
      const { seen, client } = await chain(cluster, async (front) => {
        await cluster.after(5);
        await Promise.all([front.client(Back).look(), firstValueFrom(front.client(Back).look().pipe(timeout(10_000)))]);
      });
      await cluster.settle(client.ask('', { context: { tenant: 'a' } }));
      expect(seen.contexts.map(({ context }) => context)).toEqual([{ tenant: 'a' }, { tenant: 'a' }]);
    });

    it('inherits nothing outside of the handler, unless it is given the context', async () => {
      const cluster = use();
      const [started, ended] = [new Signal(), new Signal<unknown>()];
      const { seen, client } = await chain(
        cluster,
        async (front, context) => {
          await outside(() => front.client(Back).look(undefined, { timeoutMs: 300 }).then());
          return outside(() => front.client(Back).$with(context).look().then());
        },
        ({ signal }) => {
          if (seen.contexts.length === 1) return 'first';
          void aborted(signal).then((reason) => ended.resolve(reason));
          started.resolve();
          return never();
        },
      );
      const subscription = client
        .ask('', { timeoutMs: 3_000, context: { tenant: 'a' }, traceparent: '00-trace-span-01' })
        .subscribe();
      await cluster.settle(started.promise);
      const [first, second] = seen.contexts as [HandlerContext, HandlerContext];
      expect(first).toMatchObject({ context: {}, traceparent: undefined });
      expect(second).toMatchObject({ context: { tenant: 'a' }, traceparent: '00-trace-span-01' });
      expect(second.deadline).toBeLessThanOrEqual(cluster.now() + 3_000);
      subscription.unsubscribe();
      expect(await cluster.settle(ended.promise)).toMatchObject({ code: 'cancelled' });
    });

    it('is part of the handler that subscribed to a pipeline, not of the one whose link brings the answer', async () => {
      const cluster = use();
      const { seen, client, front } = await chain(cluster, async (own, _, how) => {
        // The first of the two dials.
        const look$ = own.client(Back).look();
        await firstValueFrom(how === 'twice' ? look$.pipe(mergeMap(() => own.client(Back).look())) : look$);
      });
      await cluster.settle(client.ask('once', { context: { tenant: 'a' } }));
      await cluster.settle(client.ask('twice', { context: { tenant: 'b' } }));
      const back = front.client(Back);
      await cluster.settle(firstValueFrom(outside(() => back.look().pipe(mergeMap(() => back.look()))) as Observable<unknown>));
      const tenants = seen.contexts.map(({ context }) => context.tenant);
      expect(tenants).toEqual(['a', 'b', 'b', undefined, undefined]);
    });

    it('may be given the context as its options', async () => {
      const cluster = use();
      const { seen, client } = await chain(cluster, async (front, context) => {
        await outside(() => front.client(Back).look(undefined, context).then());
        await outside(() => front.client(Back).$fanout.note('x', context).then());
      });
      await cluster.settle(client.ask('', { timeoutMs: 3_000, context: { tenant: 'a' } }));
      for (const context of [...seen.contexts, ...seen.notes]) {
        expect(context.context).toEqual({ tenant: 'a' });
        expect(context.deadline).toBeLessThanOrEqual(cluster.now() + 3_000);
      }
      expect(seen.notes).toHaveLength(1);
    });
  });
};
