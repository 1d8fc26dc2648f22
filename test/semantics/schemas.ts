import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bytes, call, cast, contract, typed } from '../../lib/index.js';
import { connect, counted, ends, failureOf, type Part } from './cluster.js';

interface User {
  readonly name: string;
  readonly age: number;
}

/** The same contract by each library; ages come as text and are handled as numbers. */
const contracts = {
  zod: contract('users', '1', {
    add: call({
      input: z.object({ name: z.string(), age: z.string().transform(Number).pipe(z.int()) }),
      output: z.object({ name: z.string(), age: z.number().max(150) }),
    }),
    note: cast({ input: z.object({ name: z.string() }) }),
  }),
  valibot: contract('users', '1', {
    add: call({
      input: v.object({ name: v.string(), age: v.pipe(v.string(), v.transform(Number), v.integer()) }),
      output: v.object({ name: v.string(), age: v.pipe(v.number(), v.maxValue(150)) }),
    }),
    note: cast({ input: v.object({ name: v.string() }) }),
  }),
  arktype: contract('users', '1', {
    add: call({
      input: type({ name: 'string', age: 'string.integer.parse' }),
      output: type({ name: 'string', age: 'number <= 150' }),
    }),
    note: cast({ input: type({ name: 'string' }) }),
  }),
} as const;

type Users = (typeof contracts)['zod'];

/** Section 4: what schemas let through. */
export const schemas: Part = (use, { shortMs, copies }) => {
  describe.each(Object.entries(contracts))('schemas of %s', (library, users) => {
    // The three contracts are one to their users, though not to TypeScript.
    const Users = users as Users;
    const connectUsers = async () => {
      const cluster = use();
      const ran: unknown[] = [];
      const keep = <T>(input: T): T => {
        ran.push(input);
        return input;
      };
      return { cluster, ran, ...(await connect(cluster, Users, { add: keep, note: keep })) };
    };

    it('hand the handler what they yield', async () => {
      const { cluster, ran, client } = await connectUsers();
      expect(await cluster.settle(client.add({ name: 'Ann', age: '42' }))).toEqual({ name: 'Ann', age: 42 });
      expect(ran).toEqual([{ name: 'Ann', age: 42 }]);
    });

    it('refuse an invalid input with their issues, and the handler never runs', async () => {
      const { cluster, ran, server, caller, client } = await connectUsers();
      const error = await failureOf('invalid-argument', cluster.settle(client.add({ name: 7, age: 'x' } as never)));
      expect(error.ran).toBe('no');
      expect(error.details.issues.map(({ path }) => path).flat()).toContain('name');
      expect(error.details.issues.every(({ message }) => message.length > 0)).toBe(true);
      expect(error.message).toContain('name');
      await failureOf('invalid-argument', cluster.settle(client.note({ name: 7 } as never, { confirm: 'done' })));
      expect(ran).toEqual([]);
      expect(ends(caller)).toEqual({ 'requests.invalid-argument': 2 });
      expect(counted(server, 'handlers.failed')).toBe(2);
    });

    it('check outputs at the client where it asks for it, and say that the handler ran', async () => {
      const { cluster, caller, client } = await connectUsers();
      const old = { name: 'Ann', age: '200' };
      expect(await cluster.settle(client.add(old))).toEqual({ name: 'Ann', age: 200 });
      for (const asked of [client.add(old, { validateOutput: true }), caller.client(Users, { validateOutput: true }).add(old)]) {
        const error = await failureOf('invalid-argument', cluster.settle(asked));
        expect(error.ran).toBe('yes');
        expect(error.details.issues[0]?.path).toEqual(['age']);
      }
      expect(await cluster.settle(client.add({ name: 'Ann', age: '42' }, { validateOutput: true }))).toMatchObject({ age: 42 });
      expect(counted(caller, 'replies.invalid')).toBe(2);
    });

    it('are described as JSON Schema where the library can', async () => {
      const { cluster, client } = await connectUsers();
      const { add, note } = (await cluster.settle(client.$describe())).methods;
      expect(note?.verb).toBe('cast');
      if (library === 'valibot') expect(note).not.toHaveProperty('input');
      else {
        expect(note?.input).toMatchObject({ type: 'object', properties: { name: { type: 'string' } }, required: ['name'] });
        expect(add?.output).toMatchObject({ properties: { age: { type: 'number' } } });
      }
    });
  });

  describe('schemas', () => {
    it('may take their time', async () => {
      const cluster = use();
      const Slow = contract('slow', '1', {
        add: call({ input: z.number().refine(async (n) => cluster.after(5).then(() => n < 10)), output: z.number() }),
      });
      const ran: number[] = [];
      const { client } = await connect(cluster, Slow, { add: async (n) => ran.push(n) });
      expect(await cluster.settle(client.add(7))).toBe(1);
      await failureOf('invalid-argument', cluster.settle(client.add(70)));
      expect(ran).toEqual([7]);
    });

    it('that throw fail the call alone', async () => {
      const cluster = use();
      const Broken = contract('broken', '1', {
        sync: call({
          input: z.string().transform((): string => {
            throw new RangeError('schema');
          }),
        }),
        fine: call<undefined, string>(),
      });
      const { client } = await connect(cluster, Broken, { sync: () => undefined, fine: () => 'fine' });
      expect(await failureOf('remote-error', cluster.settle(client.sync('x')))).toMatchObject({
        details: { name: 'RangeError' },
      });
      expect(await cluster.settle(client.fine())).toBe('fine');
    });

    it('of an output have no more time than the call, and fail as every request does', async () => {
      const cluster = use();
      const broken = (validate: () => never | Promise<never>) =>
        ({ '~standard': { version: 1, vendor: 'test', validate } }) as never;
      const Odd = contract('odd', '1', {
        never: call<undefined, number>({ output: broken(() => new Promise<never>(() => undefined)) }),
        throws: call<undefined, number>({
          output: broken(() => {
            throw new TypeError('a bug');
          }),
        }),
      });
      const { client } = await connect(cluster, Odd, { never: () => 1, throws: () => 1 });
      const late = await failureOf(
        'deadline-exceeded',
        cluster.settle(client.never(undefined, { validateOutput: true, timeoutMs: shortMs })),
      );
      const failed = await failureOf('invalid-argument', cluster.settle(client.throws(undefined, { validateOutput: true })));
      expect([late.ran, failed.ran, (failed.cause as Error).message]).toEqual(['yes', 'yes', 'a bug']);
    });

    it.runIf(copies)('are not needed: types alone check nothing', async () => {
      const cluster = use();
      const Free = contract('free', '1', {
        user: call({ input: typed<User>(), output: typed<User>() }),
        raw: call({ input: bytes(), output: bytes() }),
      });
      const { client } = await connect(cluster, Free, { user: (user) => user, raw: (raw) => raw });
      expect(await cluster.settle(client.user({ name: 7 } as never))).toEqual({ name: 7 });
      expect(await cluster.settle(client.raw(Buffer.from('abc')))).toEqual(new Uint8Array([97, 98, 99]));
      await failureOf('invalid-argument', cluster.settle(client.raw('abc' as never)));
    });

    it('that a handler hits in a call of its own are an error of that handler', async () => {
      const cluster = use();
      const Outer = contract('outer', '1', { ask: call<undefined, unknown>() });
      const { node, serve, settle } = cluster;
      await serve(await node('users'), contracts.zod, { add: (user) => user, note: () => undefined });
      const front = await node('front');
      await serve(front, Outer, {
        ask: () => front.client(contracts.zod, { validateOutput: true }).add({ name: 'Ann', age: '200' }),
      });
      const error = await failureOf('remote-error', settle((await node('caller')).client(Outer).ask()));
      expect(error).toMatchObject({ ran: 'yes', details: { code: 'invalid-argument' } });
    });
  });
};
