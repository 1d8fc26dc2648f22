import { firstValueFrom, lastValueFrom, NEVER, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type CastState, cast, contract, type Receipt, type Undeliverable } from '../../lib/index.js';
import { type Cluster, connect, counted, ends, failureOf, type Part, Signal } from './cluster.js';

const Notes = contract('notes', '1', {
  note: cast<string>(),
  sure: cast<string>({ confirm: 'done' }),
  last: cast<string>(),
});

/** Handlers that keep what they are told, and say when `last` came. */
const keeping = (handle: (note: string) => unknown = () => undefined) => {
  const notes: string[] = [];
  const ended = new Signal();
  const keep = (note: string): unknown => {
    notes.push(note);
    return handle(note);
  };
  const last = (note: string): void => {
    notes.push(note);
    ended.resolve();
  };
  return { notes, ended, handlers: { note: keep, sure: keep, last } };
};

const statesOf = (receipt: Receipt): Promise<CastState[]> => lastValueFrom(receipt.state$.pipe(toArray()));

/** Runs the present turn to its end, and a few more. */
const turns = ({ settle, after }: Cluster): Promise<void> => settle(after(10));

const refusing = () => {
  throw new TypeError('no');
};

/** Section 2: one request, no reply. */
export const casts: Part = (use, { shortMs, copies }) => {
  describe('a cast', () => {
    it('is sent when it is called', async () => {
      const cluster = use();
      const { ended, handlers } = keeping();
      const { client } = await connect(cluster, Notes, handlers);
      client.last('unwatched');
      await cluster.settle(ended.promise);
    });

    it('is confirmed once it is accepted, whatever becomes of it', async () => {
      const cluster = use();
      const { handlers } = keeping(refusing);
      const { server, caller, client } = await connect(cluster, Notes, handlers);
      expect(await cluster.settle(client.note('x'))).toEqual({ state: 'accepted', server: 'server' });
      expect(await cluster.settle(statesOf(client.note('y')))).toEqual([
        { state: 'queued' },
        { state: 'accepted', server: 'server' },
      ]);
      await turns(cluster);
      expect(counted(server, 'handlers.failed')).toBe(2);
      expect(cluster.lines.filter(({ level, message }) => level === 'error' && message.includes('note'))).toHaveLength(2);
      expect(ends(caller)).toEqual({ 'requests.ok': 2 });
    });

    it('is confirmed once it is done where its contract or its sender says so', async () => {
      const cluster = use();
      const release = new Signal();
      const { handlers } = keeping(() => release.promise);
      const { caller, client } = await connect(cluster, Notes, handlers);
      const receipts = [client.sure('x'), client.note('y', { confirm: 'done' })];
      expect(await cluster.settle(client.sure('z', { confirm: 'accepted' }))).toMatchObject({ state: 'accepted' });
      expect(ends(caller)).toEqual({ 'requests.ok': 1 });
      release.resolve();
      for (const receipt of receipts) {
        expect(await cluster.settle(receipt)).toEqual({ state: 'done', server: 'server' });
        expect((await cluster.settle(statesOf(receipt))).at(-1)).toEqual({ state: 'done', server: 'server' });
      }
    });

    it('that is to be done fails with what its handler throws', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Notes, keeping(refusing).handlers);
      const error = await failureOf('remote-error', cluster.settle(client.sure('x')));
      expect(error).toMatchObject({ ran: 'yes', details: { name: 'TypeError' } });
    });

    it('shows each watcher all its states, however late it comes, and how it ended', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Notes, keeping().handlers);
      const receipt = client.note('x');
      const early = statesOf(receipt);
      await cluster.settle(receipt);
      const all = [{ state: 'queued' }, { state: 'accepted', server: 'server' }];
      expect(await cluster.settle(Promise.all([early, statesOf(receipt), statesOf(receipt)]))).toEqual([all, all, all]);
      const caller = await cluster.node('other', { noServerMs: 0 });
      const failed = caller.client(Notes).$on('nobody').note('x');
      await failureOf('no-server', cluster.settle(failed));
      await failureOf('no-server', cluster.settle(statesOf(failed)));
      expect(await cluster.settle(firstValueFrom(failed.state$))).toEqual({ state: 'queued' });
    });

    it('goes on when nobody watches any more', async () => {
      const cluster = use();
      const { notes, ended, handlers } = keeping();
      const { client } = await connect(cluster, Notes, handlers);
      client.note('watched for a moment').state$.subscribe().unsubscribe();
      client.last('end');
      await cluster.settle(ended.promise);
      expect(notes).toEqual(['watched for a moment', 'end']);
    });

    it.runIf(copies)('that fails unwatched is counted, logged and told by the node, and throws nowhere', async () => {
      const cluster = use();
      const caller = await cluster.node('caller', { noServerMs: 0 });
      const all = firstValueFrom(caller.undeliverable$.pipe(take(4), toArray()));
      const client = caller.client(Notes);
      client.note('lost');
      client.$on('nobody').note('lost too');
      client.note('unsent', { timeoutMs: 0 });
      client.note(Symbol('unsendable') as never);
      const told = await cluster.settle(all);
      expect(told.map(({ error }) => error.code).sort()).toEqual([
        'deadline-exceeded',
        'invalid-argument',
        'no-server',
        'no-server',
      ]);
      expect(told[0]).toMatchObject({ topic: 'notes', method: 'note', server: '' });
      expect(counted(caller, 'casts.undeliverable')).toBe(4);
      expect(cluster.lines.filter(({ level }) => level === 'warn')).toHaveLength(4);
      expect(ends(caller)).toEqual({ 'requests.deadline-exceeded': 1, 'requests.invalid-argument': 1, 'requests.no-server': 2 });
    });

    it('that fails while it is watched is told to its watcher only', async () => {
      const cluster = use();
      const caller = await cluster.node('caller', { noServerMs: 0 });
      const told: Undeliverable[] = [];
      caller.undeliverable$.subscribe((failed) => told.push(failed));
      await failureOf('no-server', cluster.settle(caller.client(Notes).note('x')));
      await failureOf('deadline-exceeded', cluster.settle(caller.client(Notes).note('x', { timeoutMs: 0 })));
      await turns(cluster);
      expect(told).toEqual([]);
      expect(counted(caller, 'casts.undeliverable')).toBe(0);
    });

    it('comes behind those that its client sent there before', async () => {
      const cluster = use();
      const { notes, ended, handlers } = keeping();
      const { client } = await connect(cluster, Notes, handlers);
      const sent = Array.from({ length: 3_000 }, (_, i) => String(i));
      for (const note of sent) client.note(note);
      client.last('end');
      await cluster.settle(ended.promise);
      expect(notes).toEqual([...sent, 'end']);
    });

    it('is withdrawn by its signal as long as it has not started', async () => {
      const cluster = use();
      const [started, release] = [new Signal(), new Signal()];
      const { notes, handlers } = keeping(() => (started.resolve(), release.promise));
      const { client } = await connect(cluster, Notes, handlers, { serve: { methods: { sure: { concurrency: 1 } } } });
      const first = client.sure('first');
      await cluster.settle(started.promise);
      const stop = new AbortController();
      const second = client.sure('second', { signal: stop.signal });
      await cluster.settle(client.sure('third', { confirm: 'accepted' }));
      stop.abort('changed my mind');
      expect(await failureOf('cancelled', cluster.settle(second))).toMatchObject({ details: { reason: 'changed my mind' } });
      const end = client.sure('end');
      await cluster.settle(cluster.after(20));
      release.resolve();
      await cluster.settle(Promise.all([first, end]));
      expect(notes).toEqual(['first', 'third', 'end']);
    });

    it('that was accepted is done even if its sender leaves', async () => {
      const cluster = use();
      const [started, release, ended] = [new Signal(), new Signal(), new Signal()];
      const done: string[] = [];
      const { caller, client } = await connect(cluster, contract('notes', '1', { note: cast<string>({ concurrency: 1 }) }), {
        note: async (note, { signal }) => {
          started.resolve();
          await release.promise;
          if (!signal.aborted) done.push(note);
          if (note === 'waited') ended.resolve();
        },
      });
      await cluster.settle(Promise.all([client.note('at work'), client.note('waited'), started.promise]));
      await caller.close();
      await cluster.settle(cluster.after(50));
      release.resolve();
      await cluster.settle(ended.promise);
      expect(done).toEqual(['at work', 'waited']);
    });

    it('of an unknown method is refused', async () => {
      const cluster = use();
      const { caller } = await connect(cluster, Notes, keeping().handlers);
      const More = contract('notes', '1', { ...Notes.methods, more: cast() });
      expect(await failureOf('no-such-method', cluster.settle(caller.client(More).more()))).toMatchObject({ ran: 'no' });
    });
  });

  describe('a fanout', () => {
    const spread = async (cluster: Cluster, names: readonly string[], handle?: (name: string) => (note: string) => unknown) => {
      const kept = new Map<string, string[]>();
      for (const name of names) {
        const { notes, handlers } = keeping(handle?.(name));
        kept.set(name, notes);
        await cluster.serve(await cluster.node(name), Notes, handlers);
      }
      const caller = await cluster.node('caller');
      return { kept, caller, client: caller.client(Notes) };
    };

    it('goes to every server that there is, with one outcome for each', async () => {
      const cluster = use();
      const { kept, caller, client } = await spread(cluster, ['a', 'b', 'c']);
      const outcomes = await cluster.settle(client.$fanout.note('all'));
      expect([...outcomes].sort((a, b) => (a.server < b.server ? -1 : 1))).toEqual(
        ['a', 'b', 'c'].map((server) => ({ server, ok: true, value: { state: 'accepted', server } })),
      );
      expect([...kept.values()]).toEqual([['all'], ['all'], ['all']]);
      expect(ends(caller)).toEqual({ 'requests.ok': 3 });
    });

    it('shows its outcomes again to who watches later', async () => {
      const cluster = use();
      const { client } = await spread(cluster, ['a', 'b']);
      const receipts = client.$fanout.note('all');
      const first = await cluster.settle(receipts);
      expect(await cluster.settle(lastValueFrom(receipts.outcome$.pipe(toArray())))).toEqual(first);
      expect(await cluster.settle(receipts)).toEqual(first);
    });

    it('to a topic without servers completes with no outcome, and is counted', async () => {
      const cluster = use();
      const caller = await cluster.node('caller');
      expect(await cluster.settle(caller.client(Notes).$fanout.note('all'))).toEqual([]);
      expect(counted(caller, 'fanouts.empty')).toBe(1);
    });

    it.runIf(copies)('that nobody is there to get is refused all the same where it cannot be sent', async () => {
      const cluster = use();
      const client = (await cluster.node('caller')).client(contract('nobody', '1', { note: cast<unknown>() }));
      await failureOf(
        'invalid-argument',
        client.$fanout.note(() => 1),
      );
    });

    it('fails at one server and is accepted by the others', async () => {
      const cluster = use();
      const { client } = await spread(cluster, ['a', 'b', 'c'], (name) => (name === 'b' ? refusing : () => undefined));
      const outcomes = await cluster.settle(client.$fanout.sure('all'));
      const failed = outcomes.filter(({ ok }) => !ok);
      expect(failed).toMatchObject([{ server: 'b', error: { code: 'remote-error' } }]);
      expect(outcomes).toHaveLength(3);
    });

    it('goes on when nobody watches, and what fails then is told by the node', async () => {
      const cluster = use();
      const told: Undeliverable[] = [];
      const { kept, caller, client } = await spread(cluster, ['a', 'b'], (name) => (name === 'b' ? refusing : () => undefined));
      caller.undeliverable$.subscribe((failed) => told.push(failed));
      client.$fanout.sure('all');
      await cluster.settle(firstValueFrom(caller.undeliverable$));
      await cluster.settle(client.$on('a').note('behind it'));
      expect([...kept.values()]).toEqual([['all', 'behind it'], ['all']]);
      expect(told).toMatchObject([{ server: 'b', topic: 'notes', method: 'sure', error: { code: 'remote-error' } }]);
      expect(counted(caller, 'casts.undeliverable')).toBe(1);
    });

    it('that fails while it is watched is told to its watcher only', async () => {
      const cluster = use();
      const { caller, client } = await spread(cluster, ['a'], () => refusing);
      await cluster.settle(client.$fanout.sure('all'));
      await turns(cluster);
      expect(counted(caller, 'casts.undeliverable')).toBe(0);
    });

    it('that cannot be sent at all rejects, and is counted', async () => {
      const cluster = use();
      const { caller, client } = await spread(cluster, ['a']);
      await failureOf('deadline-exceeded', cluster.settle(client.$fanout.note('all', { timeoutMs: 0 })));
      await failureOf('cancelled', cluster.settle(client.$fanout.note('all', { signal: AbortSignal.abort() })));
      expect(ends(caller)).toEqual({ 'requests.deadline-exceeded': 1, 'requests.cancelled': 1 });
    });

    it('waits as long as its casts may take, and no longer', async () => {
      const cluster = use();
      const { client } = await spread(cluster, ['a', 'b'], (name) =>
        name === 'b' ? () => firstValueFrom(NEVER) : () => undefined,
      );
      const outcomes = await cluster.settle(client.$fanout.sure('all', { timeoutMs: shortMs }));
      expect(outcomes).toMatchObject([
        { server: 'a', ok: true },
        { server: 'b', ok: false, error: { code: 'deadline-exceeded', ran: 'unknown' } },
      ]);
    });
  });
};
