import { firstValueFrom, lastValueFrom, map, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, cast, contract, isSkeinError } from '../../lib/index.js';
import { connect, failureOf, type Part } from './cluster.js';

const Who = contract('who', '1.0', { name: call<undefined, string>(), note: cast<string>() });

const answering = (name: string, notes: string[] = []) => ({
  name: () => name,
  note: (note: string) => notes.push(`${name} ${note}`),
});

/** What an invalid name is refused with, wherever it is thrown. */
const refusal = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return isSkeinError(error) ? error.code : error;
  }
  return undefined;
};

const tooLong = 'é'.repeat(128);
const badNames = ['', tooLong, 'half a \ud83d pair'];
const longest = '語'.repeat(85);
const strange = 'a/b@c %2F*?#&=\n\u0000🪿';

/** Section 1: who is meant. */
export const addressing: Part = (use, { registers }) => {
  describe('addressing', () => {
    it('a call without a server goes to a server of the topic', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Who, answering('a'));
      expect(await cluster.settle(client.name())).toBe('a');
    });

    it('a server is called as its node is, unless it says otherwise', async () => {
      const cluster = use();
      const { served, client } = await connect(cluster, Who, answering('a'));
      expect(served.server).toBe('server');
      expect(await cluster.settle(client.$ping())).toEqual({ server: 'server' });
    });

    it('equal topics in two exchanges never meet', async () => {
      const { node, serve, settle } = use();
      const [red, blue] = [await node('red'), await node('blue')];
      await serve(red, Who, answering('red'), { exchange: 'red' });
      await serve(blue, Who, answering('blue'), { exchange: 'blue' });
      const caller = await node('caller', { noServerMs: 0 });
      const ask = (exchange: string) => Promise.all(Array.from({ length: 20 }, () => caller.client(Who, { exchange }).name()));
      expect(new Set(await settle(ask('red')))).toEqual(new Set(['red']));
      expect(new Set(await settle(ask('blue')))).toEqual(new Set(['blue']));
      const error = await failureOf('no-server', settle(caller.client(Who).name()));
      expect(error.ran).toBe('no');
    });

    it('a topic never receives what is for one whose name it begins', async () => {
      const { node, serve, settle } = use();
      const a = contract('a', '1.0', Who.methods);
      const ab = contract('ab', '1.0', Who.methods);
      const [one, two] = [await node('one'), await node('two')];
      await serve(one, a, answering('a'), { server: 'x' });
      await serve(two, ab, answering('ab'), { server: 'xy' });
      const caller = await node('caller', { noServerMs: 0 });
      expect(await settle(caller.client(a).$fanout.note('hi'))).toMatchObject([{ server: 'x', ok: true }]);
      expect(await settle(caller.client(ab).$fanout.note('hi'))).toMatchObject([{ server: 'xy', ok: true }]);
      expect(await settle(caller.client(ab).name())).toBe('ab');
      await failureOf('no-server', settle(caller.client(ab).$on('x').name()));
    });

    it('a pinned request goes to that server only, and never falls back', async () => {
      const { node, serve, settle } = use();
      const notes: string[] = [];
      for (const name of ['a', 'b']) await serve(await node(name), Who, answering(name, notes));
      const caller = await node('caller', { noServerMs: 0 });
      const client = caller.client(Who);
      const answers = await settle(Promise.all(Array.from({ length: 20 }, () => client.$on('b').name())));
      expect(new Set(answers)).toEqual(new Set(['b']));
      const error = await failureOf('no-server', settle(client.$on('c').note('hi')));
      expect(error).toMatchObject({ ran: 'no', details: { topic: 'who' } });
      expect(error.message).toContain('c');
      expect(notes).toEqual([]);
    });

    it('a pinned fanout goes to that server only, and a server that is not named is none', async () => {
      const cluster = use();
      const noted: string[] = [];
      const Note = contract('note', '1', { note: cast() });
      for (const name of ['a', 'b']) await cluster.serve(await cluster.node(name), Note, { note: () => noted.push(name) });
      const client = (await cluster.node('caller')).client(Note);
      const outcomes = await cluster.settle(client.$on('b').$fanout.note());
      expect(outcomes.map(({ server, ok }) => [server, ok])).toEqual([['b', true]]);
      for (const nobody of [undefined, null, 5]) {
        expect(() => client.$on(nobody as never)).toThrow('[invalid-target] the server must be a string');
      }
    });

    it('several servers of one node each get what is for them, and nothing else', async () => {
      const { node, serve, settle } = use();
      const host = await node('host-7');
      const servers = ['host-7@lvm', 'host-7@ceph'];
      for (const server of servers) await serve(host, Who, answering(server), { server });
      const caller = await node('caller');
      const pinned = servers.map((server) => caller.client(Who).$on(server));
      const asked = Array.from({ length: 1_000 }, (_, i) => i % 2);
      const answers = await settle(Promise.all(asked.map((i) => pinned[i]!.name())));
      expect(answers).toEqual(asked.map((i) => servers[i]));
    });

    it('names of an exchange, a topic and a server may be any Unicode of up to 255 bytes', async () => {
      const { node, serve, settle } = use();
      const server = await node('server');
      const caller = await node('caller');
      for (const [exchange, topic, name] of [
        [longest, longest, longest],
        [strange, strange, strange],
        ['*', '.', '..'],
      ] as const) {
        const Odd = contract(topic, '1.0', Who.methods);
        await serve(server, Odd, answering(name), { exchange, server: name });
        const client = caller.client(Odd, { exchange });
        expect(await settle(client.$on(name).name())).toBe(name);
        expect(await settle(client.$fanout.note('hi'))).toMatchObject([{ server: name, ok: true }]);
      }
    });

    it('an invalid name is refused at once, before anything is sent', async () => {
      const { node } = use();
      const caller = await node('caller');
      for (const name of badNames) {
        expect(refusal(() => contract(name, '1.0', Who.methods))).toBe('invalid-argument');
        expect(refusal(() => caller.client(Who, { exchange: name }))).toBe('invalid-target');
        expect(refusal(() => caller.client(Who).$on(name))).toBe('invalid-target');
        expect(refusal(() => caller.client({ ...Who, name }))).toBe('invalid-target');
        await failureOf('invalid-target', caller.serve(Who, answering('a'), { server: name }));
        await failureOf('invalid-target', caller.serve(Who, answering('a'), { exchange: name }));
      }
    });

    it('one node serves a topic under one name once', async () => {
      const { node, serve, settle } = use();
      const server = await node('server');
      await serve(server, Who, answering('a'));
      await failureOf('invalid-argument', settle(server.serve(Who, answering('b'))));
      const caller = await node('caller');
      expect(await settle(caller.client(Who).name())).toBe('a');
    });

    it.each([null, undefined, 5, {}, { name: 'who', version: '1', namespace: '' }])('%j is no contract', async (odd) => {
      const { node } = use();
      const caller = await node('caller');
      expect(() => caller.client(odd as never)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
      await expect(caller.serve(odd as never, {})).rejects.toMatchObject({ code: 'invalid-argument' });
    });

    it.each([[null], [5], [{ name: () => 'a', note: () => 1 }, 5], [{ name: () => 'a', note: () => 1 }, { servre: 'x' }]])(
      'cannot be served by %j, %j',
      async (...served) => {
        const { node } = use();
        const server = await node('server');
        await expect(server.serve(Who, ...(served as [never]))).rejects.toMatchObject({ code: 'invalid-argument' });
      },
    );

    it('a call has no fanout', async () => {
      const { node } = use();
      const caller = await node('caller');
      const { $fanout } = caller.client(Who);
      expect(Object.keys($fanout)).toEqual(['note']);
      expect(() => ($fanout as unknown as { name: () => void }).name()).toThrow(
        expect.objectContaining({ code: 'invalid-target' }),
      );
    });

    if (registers) {
      it('a newer process takes a name over, and the former one stops serving for good', async () => {
        const { node, serve, settle, lines } = use();
        const former = await node('former');
        await serve(former, Who, answering('former'), { server: 'one' });
        const caller = await node('caller', { noServerMs: 500 });
        const client = caller.client(Who).$on('one');
        expect(await settle(client.name())).toBe('former');
        const latter = await node('latter');
        await serve(latter, Who, answering('latter'), { server: 'one' });
        expect(await settle(untilAnswered(() => client.name(), 'latter'))).toBe('latter');
        expect(await settle(caller.client(Who).$fanout.note('hi'))).toHaveLength(1);
        expect(lines.filter(({ message }) => message.includes('took the name'))).toHaveLength(1);
        expect(await settle(firstValueFrom(former.tree$.pipe(map((tree) => JSON.stringify(tree)))))).not.toContain('who@one');
        await latter.close();
        await failureOf('no-server', settle(untilFailed(() => client.name())));
      });

      it('a server that closes gets nothing any more, and its node may serve the name again', async () => {
        const { node, serve, settle } = use();
        const server = await node('server');
        const served = await serve(server, Who, answering('first'));
        const caller = await node('caller', { noServerMs: 500 });
        expect(await settle(caller.client(Who).name())).toBe('first');
        await settle(served.close());
        await settle(served.close());
        await failureOf('no-server', settle(untilFailed(() => caller.client(Who).name())));
        await serve(server, Who, answering('second'));
        expect(await settle(caller.client(Who).name())).toBe('second');
      });
    }

    it('a receipt names the server that accepted', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Who, answering('a'));
      const states = await cluster.settle(lastValueFrom(client.note('hi').state$.pipe(toArray())));
      expect(states).toEqual([{ state: 'queued' }, { state: 'accepted', server: 'server' }]);
    });
  });
};

/** Directories tell of a change as soon as they can: asks until the answer is the new one. */
const untilAnswered = async (ask: () => PromiseLike<string>, wanted: string): Promise<string> => {
  for (;;) {
    const answer = await Promise.resolve(ask()).catch(() => '');
    if (answer === wanted) return answer;
  }
};

/** The same for a server that has left: what is sent until the directory tells of it may still be answered, or get lost on the way. */
const untilFailed = async (ask: () => PromiseLike<unknown>): Promise<never> => {
  for (;;) {
    try {
      await ask();
    } catch (error) {
      if (!isSkeinError(error, 'link-lost', 'undeliverable')) throw error;
    }
  }
};
