import { filter, firstValueFrom, take } from 'rxjs';
import { expect, it } from 'vitest';
import { call, contract, type Node, SkeinError } from '../../lib/index.js';
import { simulate } from '../../lib/testing.js';
import { type Ending, endingOf, untilLost } from '../endings.js';

// What test/processes/kill.test.ts shows of real processes, here to the millisecond.

const Worker = contract('worker', '1.0', {
  who: call<undefined, string>(),
  echo: call<number, number>(),
  hang: call<string, string>(),
  heard: call<undefined, string[]>(),
});

const work = (node: Node) => {
  const heard: string[] = [];
  return node.serve(
    Worker,
    {
      who: () => node.id,
      echo: (value) => value,
      hang: (token) => {
        heard.push(token);
        return new Promise<string>(() => undefined);
      },
      heard: () => heard,
    },
    { methods: { hang: { concurrency: 1_000 } } },
  );
};

it('ends every request in flight to a server that is killed with a typed error, and leaves other servers alone', () =>
  simulate({ seed: 1, latencyMs: [0.1, 5] }, async ({ node }) => {
    const victim = node('victim', work);
    node('other', work);
    const client = node('client').client(Worker, { timeoutMs: 20_000 });
    await Promise.all([client.$on('victim').who(), client.$on('other').who()]);
    const hung = Array.from({ length: 200 }, (_, i) => endingOf(client.$on('victim').hang(`hung-${String(i)}`)));
    const others: Promise<Ending>[] = [];
    const load = Array.from({ length: 2_000 }, (_, i) => {
      others.push(endingOf(client.$on('other').echo(i)));
      return endingOf(client.$on('victim').echo(i));
    });
    await load[0];
    victim.kill();
    const ended = await Promise.all([...hung, ...load]);
    const codes = new Set(ended.map((ending) => (ending === 'ok' ? 'ok' : ending.code)));
    expect([...codes].filter((code) => !['ok', 'link-lost', 'peer-silent', 'undeliverable', 'no-server'].includes(code))).toEqual(
      [],
    );
    expect(ended.slice(0, 200).every((ending) => ending !== 'ok' && ending.ran === 'unknown')).toBe(true);
    expect((await Promise.all(others)).every((ending) => ending === 'ok')).toBe(true);
  }));

it('uses a server again that comes back under its name and address, which gets nothing that was meant for the former one', () =>
  simulate({ seed: 1 }, async ({ node }) => {
    const phoenix = node('phoenix', work, { bind: 'sim://phoenix/fixed' });
    const client = node('client').client(Worker, { timeoutMs: 20_000 }).$on('phoenix');
    const before = await client.who();
    const forTheFormer = Array.from({ length: 100 }, (_, i) => endingOf(client.hang(`former-${String(i)}`)));
    await client.echo(1);
    phoenix.kill();
    expect((await Promise.all(forTheFormer)).every((ending) => ending !== 'ok')).toBe(true);
    await phoenix.start();
    expect(await client.who()).not.toBe(before);
    expect(await client.heard()).toEqual([]);
  }));

it('lists a server that was killed for no longer than its lease', () =>
  simulate({ seed: 1 }, async ({ node, clock }) => {
    const ghost = node('ghost', work, { leaseMs: 300 });
    const api = node('client');
    const client = api.client(Worker, { timeoutMs: 100 });
    await client.who();
    const gone = firstValueFrom(
      api.servers$.pipe(
        filter((servers) => servers.length === 0),
        take(1),
      ),
    );
    const diedAt = clock.now();
    ghost.kill();
    await gone;
    expect(clock.now() - diedAt).toBeLessThanOrEqual(300);
  }));

it('takes a server that is stopped for suspect after three heartbeats, and for lost after ten, when what waits for it ends', () =>
  simulate({ seed: 1 }, async ({ node, clock }) => {
    const sleeper = node('sleeper', work, { heartbeatMs: 200, leaseMs: 60_000 });
    const api = node('client', undefined, { heartbeatMs: 200 });
    const client = api.client(Worker, { timeoutMs: 20_000 });
    await client.who();
    const states = untilLost(api, () => clock.now());
    const hung = endingOf(client.hang('asleep'));
    await client.echo(1);
    const stoppedAt = clock.now();
    sleeper.pause();
    const beats = (await states).map(({ state, at }) => [state, (at - stoppedAt) / 200] as const);
    expect(beats.map(([state]) => state)).toEqual(['suspect', 'lost']);
    const [[, suspectAfter] = ['', 0], [, lostAfter] = ['', 0]] = beats;
    expect([suspectAfter, lostAfter].map(Math.round)).toEqual([3, 10]);
    const ending = await hung;
    expect(ending).toBeInstanceOf(SkeinError);
    expect((ending as SkeinError).code).toBe('peer-silent');
    sleeper.resume();
  }));
