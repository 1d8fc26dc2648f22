import { firstValueFrom, interval, NEVER } from 'rxjs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  type ActorStatus,
  bounded,
  bytes,
  call,
  cast,
  channel,
  consume,
  contract,
  type Node,
  sink,
  stream,
} from '../../lib/index.js';
import { simulate } from '../../lib/testing.js';

const Busy = contract('busy', '1', {
  wait: call({ concurrency: 1, queue: 10 }),
  send: call({ input: bytes(), concurrency: 1 }),
  note: cast<number>({ concurrency: 1 }),
  give: stream<undefined, number>(),
  tick: stream<undefined, number>(),
  take: sink<number, number>(),
  swap: channel<number, number>(),
});

const never = () => new Promise<never>(() => undefined);

const serve = (node: Node) =>
  node.serve(Busy, {
    wait: never,
    send: never,
    note: never,
    *give() {
      for (let n = 0; ; n += 1) yield n;
    },
    tick: () => bounded(interval(10), { overflow: 'latest' }),
    take: never,
    swap: (item$) => {
      item$.pipe(consume(() => NEVER)).subscribe({ error: () => undefined });
      return bounded(interval(10), { overflow: 'drop-oldest', max: 16 });
    },
  });

/** Everything in a tree that something can wait in. */
const buffersOf = ({
  path,
  mailbox,
  buffers,
  children,
}: ActorStatus): readonly (NonNullable<ActorStatus['mailbox']> & { readonly at: string })[] => [
  ...(mailbox ? [{ ...mailbox, at: path }] : []),
  ...buffers.map(({ name, ...rest }) => ({ ...rest, at: `${path}: ${name}` })),
  ...children.flatMap(buffersOf),
];

describe('the tree of a node', () => {
  it('shows each buffer with its bound, its rule, how much is in it and what it has let go of', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const [client, server] = [node('client'), node('server', serve)];
      const api = client.client(Busy, { timeoutMs: 5_000, retries: 0 });
      const ends: { unsubscribe(): void }[] = [];
      const begin = (items: { subscribe(observer: { error: () => void }): { unsubscribe(): void } }): void => {
        ends.push(items.subscribe({ error: () => undefined }));
      };
      for (let n = 0; n < 12; n += 1) begin(api.wait());
      for (let n = 0; n < 3; n += 1) begin(api.send(new Uint8Array(3_000_000)));
      for (let n = 0; n < 5; n += 1) api.note(n);
      const slowly = consume(() => NEVER);
      begin(api.give().pipe(slowly));
      begin(api.tick(undefined, { credit: 1 }).pipe(slowly));
      begin(api.swap(bounded(interval(10), { overflow: 'drop-newest', max: 4 }), { credit: 2 }).pipe(slowly));
      begin(api.take(bounded(interval(10), { overflow: 'fail', max: 200 })));
      await sleep(1_000);
      const all = [...buffersOf(await firstValueFrom(client.tree$)), ...buffersOf(await firstValueFrom(server.tree$))];
      expect(all.filter(({ max }) => !(max > 0 && max < Infinity))).toEqual([]);
      expect(all.filter(({ depth, max }) => depth > max)).toEqual([]);
      const at = (place: string) => all.filter((buffer) => buffer.at.includes(place));
      expect(at('/servers/busy@server')).toMatchObject([{ overflow: 'fail' }]);
      expect(
        at('items that have come')
          .map(({ depth }) => depth)
          .some((depth) => depth > 200),
      ).toBe(true);
      const rules = at('items of what cannot wait').map(({ overflow, dropped }) => [overflow, dropped > 0]);
      expect(rules).toContainEqual(['latest', true]);
      expect(rules).toContainEqual(['drop-oldest', true]);
      expect(rules).toContainEqual(['fail', false]);
      expect(at('KiB of large payloads').length).toBeGreaterThan(0);
      expect(at('requests that may come again')).toMatchObject([{ overflow: 'drop-oldest' }]);
      for (const end of ends) end.unsubscribe();
      await sleep(5_000);
    }));
});
