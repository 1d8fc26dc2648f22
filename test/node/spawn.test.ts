import { finalize, NEVER, type Observable } from 'rxjs';
import { type Behavior, call, contract, createNode, Hub, stateful, type Stream } from 'skein';
import { expect, it } from 'vitest';

/** Hears, and says nothing. */
const silence: Behavior<(value: unknown) => void> = () => NEVER;

const Echo = contract('echo', '1.0', { say: call<string, string>() });

it("shows users' actors in the tree of the node, beside its own", async () => {
  await using node = await createNode({ url: 'zmq+memory://', hub: new Hub(), name: 'me' });
  const actor = node.spawn(() => NEVER, { name: 'mine' });
  expect(actor.path).toBe('me/user/mine');
  let paths: string[] = [];
  node.tree$.subscribe(({ children }) => {
    paths = children.flatMap(({ path, children: below }) => [path, ...below.map((child) => child.path)]);
  });
  expect(paths).toEqual(expect.arrayContaining(['me/pool', 'me/servers', 'me/user', 'me/user/mine']));
});

it("stops users' actors first, the last spawned before the others, beside servers that still serve", async () => {
  const node = await createNode({ url: 'zmq+memory://', hub: new Hub() });
  await node.serve(Echo, { say: (text) => text });
  let servers = 0;
  node.tree$.subscribe(
    ({ children }) => (servers = children.find(({ path }) => path.endsWith('/servers'))?.children.length ?? 0),
  );
  const log: string[] = [];
  const started: PromiseLike<unknown>[] = [];
  for (const name of ['a', 'b']) {
    const actor = node.spawn(
      (message$: Stream<() => void>) => {
        message$.subscribe((reply) => {
          reply();
        });
        return NEVER.pipe(
          finalize(() => {
            log.push(`${name} ends beside ${String(servers)} server`);
          }),
        );
      },
      { name },
    );
    started.push(
      actor.ask<undefined>((reply) => () => {
        reply(undefined);
      }),
    );
  }
  await Promise.all(started);
  await node.close();
  expect(log).toEqual(['b ends beside 1 server', 'a ends beside 1 server']);
});

it('spawns nothing once it is closed', async () => {
  const node = await createNode({ url: 'zmq+memory://', hub: new Hub() });
  const actor = node.spawn((message$: Observable<string>) => message$);
  await node.close();
  expect(() => node.spawn(() => NEVER)).toThrow(expect.objectContaining({ code: 'closed' }));
  await expect(Promise.resolve(actor.send('late'))).rejects.toMatchObject({ code: 'closed' });
});

it('gives whoever is asked as long as its requests have, and counts what becomes of it', async () => {
  await using node = await createNode({ url: 'zmq+memory://', hub: new Hub(), timeoutMs: 20 });
  const silent = node.spawn(silence);
  await expect(Promise.resolve(silent.ask((reply) => reply))).rejects.toMatchObject({
    code: 'deadline-exceeded',
    details: { timeoutMs: 20 },
  });
  expect(node.counters().get('asks.deadline-exceeded')).toBe(1);
});

it('does not wait for questions of actors as it drains', async () => {
  const node = await createNode({ url: 'zmq+memory://', hub: new Hub() });
  const unanswered = node.spawn(silence).ask((reply) => reply);
  const asked = expect(Promise.resolve(unanswered)).rejects.toMatchObject({ code: 'closed' });
  expect(await node.drain({ timeoutMs: 60_000 })).toEqual({ unfinished: [] });
  await asked;
});

it('lets the handlers of its servers ask actors', async () => {
  await using node = await createNode({ url: 'zmq+memory://', hub: new Hub() });
  type Ask = (count: number) => void;
  const counter = node.spawn(
    stateful<Ask, number>(
      () => 0,
      (count, reply) => {
        reply(count + 1);
        return count + 1;
      },
    ),
  );
  await node.serve(Echo, { say: async (text) => `${text} ${String(await counter.ask<number>((reply) => reply))}` });
  const echo = node.client(Echo);
  expect([await echo.say('a'), await echo.say('b')]).toEqual(['a 1', 'b 2']);
});
