import { describe, expect, it } from 'vitest';
import { call, cast, contract, type Version } from '../../lib/index.js';
import { type Cluster, connect, counted, ends, failureOf, type Part } from './cluster.js';

/** A contract as it grew: `more` and `tell` came with 1.1. */
const Before = contract('growing', '1.0', { who: call<undefined, string>(), note: cast() });
const After = contract('growing', '1.1', {
  who: call<undefined, string>({ since: '1.0' }),
  note: cast({ since: '1' }),
  more: call<undefined, string>(),
  tell: cast({ since: '1.1.0' }),
});
const Next = contract('growing', '2.0', { who: call<undefined, string>() });
const Admin = contract('growing', '1.1', { who: call<undefined, string>(), tell: cast() }, { namespace: 'admin' });

const ignore = (): void => undefined;

const serveBefore = async ({ node, serve }: Cluster, name: string) =>
  serve(await node(name), Before, { who: () => name, note: ignore });

const serveAfter = async ({ node, serve }: Cluster, name: string) =>
  serve(await node(name), After, { who: () => name, note: ignore, more: () => name, tell: ignore });

const newCaller = ({ node }: Cluster) => node('caller', { noServerMs: 0 });

const ask = async (count: number, who: () => PromiseLike<string>): Promise<readonly string[]> =>
  [...new Set(await Promise.all(Array.from({ length: count }, who)))].sort();

/** Section 4: contracts that grow while their servers run. */
export const versions: Part = (use) => {
  describe('a contract that has grown', () => {
    it('asks servers of the version that brought a method, and newer ones', async () => {
      const cluster = use();
      await serveBefore(cluster, 'old');
      await serveAfter(cluster, 'new');
      const client = (await newCaller(cluster)).client(After, { balance: 'round-robin' });
      expect(await cluster.settle(ask(10, () => client.who()))).toEqual(['new', 'old']);
      expect(await cluster.settle(ask(10, () => client.more()))).toEqual(['new']);
      expect(await cluster.settle(client.$on('old').note())).toMatchObject({ server: 'old' });
      const sent: readonly PromiseLike<unknown>[] = [client.$on('old').more(), client.$on('old').tell()];
      for (const one of sent) {
        const error = await failureOf('unsupported-version', cluster.settle(one));
        expect(error).toMatchObject({ ran: 'no', details: { served: ['1.0'] } });
      }
    });

    it('is asked for what it was by those who have not grown yet', async () => {
      const cluster = use();
      await serveAfter(cluster, 'new');
      const client = (await newCaller(cluster)).client(Before);
      expect(await cluster.settle(client.who())).toBe('new');
    });

    it('has methods that are no newer than itself, and of its major', () => {
      for (const since of ['1.1.1', '1.2', '2.0', '0.9'] as const) {
        expect(() => contract('odd', '1.1', { a: call({ since }) })).toThrow(
          `since of "a" must be of the contract's major and at most 1.1, and is ${since}`,
        );
      }
      expect(() => contract('odd', '1.1', { a: call({ since: 'x' as Version }), b: cast({ since: '1.1' }) })).toThrow(
        'since of "a" is no version',
      );
    });

    it('fans out to the servers of its namespace and major, and says which of them are too old', async () => {
      const cluster = use();
      await serveBefore(cluster, 'old');
      await serveAfter(cluster, 'new');
      await cluster.serve(await cluster.node('next'), Next, { who: () => 'next' });
      await cluster.serve(await cluster.node('admin'), Admin, { who: () => 'admin', tell: ignore });
      const caller = await newCaller(cluster);
      const { $fanout } = caller.client(After);
      const outcomes = await cluster.settle($fanout.tell());
      const told = outcomes.map((outcome) => [outcome.server, outcome.ok ? outcome.value.state : outcome.error.code]);
      expect(told.sort()).toEqual([
        ['new', 'accepted'],
        ['old', 'unsupported-version'],
      ]);
      expect((await cluster.settle($fanout.note())).map(({ server, ok }) => [server, ok]).sort()).toEqual([
        ['new', true],
        ['old', true],
      ]);
    });

    it('fans out to nobody where there are servers of other namespaces and majors only, and says so', async () => {
      const cluster = use();
      await cluster.serve(await cluster.node('next'), Next, { who: () => 'next' });
      const caller = await newCaller(cluster);
      expect(await failureOf('unsupported-version', cluster.settle(caller.client(After).$fanout.tell()))).toMatchObject({
        ran: 'no',
        details: { wanted: '1.1.0', served: ['2.0'] },
      });
      expect(ends(caller)).toEqual({ 'requests.unsupported-version': 1 });
    });
  });

  describe('one node', () => {
    it('serves several versions and namespaces of a topic, each as a server of its own', async () => {
      const cluster = use();
      const node = await cluster.node('host');
      await cluster.serve(node, After, { who: () => 'one', note: ignore, more: () => '', tell: ignore });
      await cluster.serve(node, Next, { who: () => 'two' }, { server: 'host@2' });
      await cluster.serve(node, Admin, { who: () => 'admin', tell: ignore }, { server: 'host@admin' });
      const caller = await newCaller(cluster);
      for (const [version, answer] of [
        [After, 'one'],
        [Before, 'one'],
        [Next, 'two'],
        [Admin, 'admin'],
      ] as const) {
        expect(await cluster.settle(ask(5, () => caller.client(version).who()))).toEqual([answer]);
      }
      await failureOf('unsupported-version', cluster.settle(caller.client(Next).$on('host').who()));
      expect(await cluster.settle(caller.client(Next).$on('host@2').who())).toBe('two');
    });

    it('is told to give another server name where it would serve two versions by one', async () => {
      const cluster = use();
      const served = await serveBefore(cluster, 'host');
      const node = await cluster.node('other');
      await cluster.serve(node, Before, { who: () => '', note: ignore });
      const error = await failureOf('invalid-argument', node.serve(Next, { who: () => '' }));
      expect(error.message).toContain('already serves growing 1.0 as other: give another server name');
      expect(served.server).toBe('host');
    });
  });

  describe('a server', () => {
    it('answers $ping and $describe to clients of its major, however new', async () => {
      const cluster = use();
      await serveBefore(cluster, 'old');
      const caller = await newCaller(cluster);
      const newest = contract('growing', '1.9', {});
      expect(await cluster.settle(caller.client(newest).$ping())).toEqual({ server: 'old' });
      expect(await cluster.settle(caller.client(newest).$describe())).toMatchObject({ version: '1.0', server: 'old' });
      await failureOf('unsupported-version', cluster.settle(caller.client(Next).$ping()));
    });

    it('describes since when its methods are', async () => {
      const cluster = use();
      const { client } = await connect(cluster, After, { who: () => '', note: ignore, more: () => '', tell: ignore });
      const { methods } = await cluster.settle(client.$describe());
      expect(Object.entries(methods).map(([name, { since }]) => [name, since])).toEqual([
        ['who', '1.0'],
        ['note', '1'],
        ['more', undefined],
        ['tell', '1.1.0'],
      ]);
    });
  });

  describe('a version cap', () => {
    it('keeps methods that are newer from being sent', async () => {
      const cluster = use();
      const ran: string[] = [];
      const note = (name: string) => () => {
        ran.push(name);
        return name;
      };
      const { caller, client } = await connect(
        cluster,
        After,
        { who: note('who'), note: note('note'), more: note('more'), tell: note('tell') },
        { versionCap: '1.0' },
      );
      const sent: readonly PromiseLike<unknown>[] = [client.more(), client.tell(), client.$fanout.tell()];
      for (const one of sent) {
        const error = await failureOf('version-cap', cluster.settle(one));
        expect(error.ran).toBe('no');
        expect(error.message).toMatch(/growing\.(more|tell) came with version 1\.1(\.0)?, and this client keeps to 1\.0/);
        expect(error.details.cap).toBe('1.0');
      }
      expect(ends(caller)).toEqual({ 'requests.version-cap': 3 });
      expect(await cluster.settle(client.who())).toBe('who');
      await cluster.settle(client.note(undefined, { confirm: 'done' }));
      expect(ran).toEqual(['who', 'note']);
    });

    it('is asked without sending anything', async () => {
      const cluster = use();
      const caller = await cluster.node('caller');
      const can = (versionCap?: Version) => {
        const client = caller.client(After, { versionCap });
        return (['who', 'note', 'more', 'tell'] as const).filter((name) => client.$canSend(name));
      };
      expect(can()).toEqual(['who', 'note', 'more', 'tell']);
      expect(can('1.0')).toEqual(['who', 'note']);
      expect(can('1.0.9')).toEqual(['who', 'note']);
      expect(can('1.1')).toEqual(['who', 'note', 'more', 'tell']);
      expect(can('2')).toEqual(['who', 'note', 'more', 'tell']);
      expect(can('0.9')).toEqual([]);
      for (const name of ['none', 'toString', '$ping']) {
        expect(caller.client(After).$canSend(name as 'who')).toBe(false);
      }
      expect(counted(caller, 'requests.ok')).toBe(0);
      expect(ends(caller)).toEqual({});
    });

    it('goes along with $on and $with, and can be another one there', async () => {
      const cluster = use();
      const caller = await cluster.node('caller');
      const client = caller.client(After, { versionCap: '1.0' });
      expect(client.$on('a').$canSend('more')).toBe(false);
      expect(client.$with({ timeoutMs: 5 }).$canSend('more')).toBe(false);
      expect(client.$with({ versionCap: '1.1' }).$canSend('more')).toBe(true);
    });

    it('leaves out what Skein itself answers', async () => {
      const cluster = use();
      await serveAfter(cluster, 'new');
      const client = (await newCaller(cluster)).client(After, { versionCap: '0.1' });
      expect(await cluster.settle(client.$ping())).toEqual({ server: 'new' });
    });

    it('is a version', async () => {
      const caller = await use().node('caller');
      for (const versionCap of ['', '1.x', 1]) {
        expect(() => caller.client(After, { versionCap: versionCap as Version })).toThrow('versionCap must be a version');
      }
    });
  });
};
