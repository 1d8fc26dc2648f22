import { type } from 'arktype';
import { firstValueFrom, toArray } from 'rxjs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call, contract, defineError, isSkeinError, type Node, settle, SkeinError, typed } from '../../lib/index.js';
import { type Cluster, connect, counted, ends, failureOf, type Line, type Part } from './cluster.js';

class ZodFull extends defineError('full', z.object({ left: z.int() })) {}
class ValibotFull extends defineError('full', v.object({ left: v.pipe(v.number(), v.integer()) })) {}
class ArktypeFull extends defineError('full', type({ left: 'number.integer' })) {}

const classes = { zod: ZodFull, valibot: ValibotFull, arktype: ArktypeFull } as const;

const Full = ZodFull;
class Shut extends defineError('shut') {}

type Park = ReturnType<typeof parkOf>;
const parkOf = (full: typeof ZodFull) =>
  contract('park', '1', { enter: call({ input: typed<string>(), output: typed<string>(), errors: [full, Shut] }) });
const Park = parkOf(Full);

const thrownBy = async (promise: PromiseLike<unknown>): Promise<unknown> => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was to fail');
};

/** A park whose gate fails with what `gate` throws, and what a client of it is told. */
const turnAway = async (cluster: Cluster, gate: () => unknown, park: Park = Park) => {
  const { server, caller, client } = await connect(cluster, Park, {
    enter: (): string => {
      throw gate();
    },
  });
  return { server, caller, error: await thrownBy(cluster.settle(caller.client(park).enter('goose'))), client };
};

const handlerCounts = (node: Node) => [counted(node, 'handlers.expected'), counted(node, 'handlers.failed')];

const linesOf = ({ lines }: Cluster, level: Line['level']) => lines.filter((line) => line.level === level);

/** Section 5: errors that contracts declare. */
export const declaredErrors: Part = (use, { shortMs }) => {
  describe('a declared error', () => {
    it.each(Object.entries(classes))('with data of %s arrives as its own class', async (_library, full) => {
      const Class = full;
      const { error } = await turnAway(use(), () => new Class({ left: 0 }), parkOf(Class));
      expect(error).toBeInstanceOf(Class);
      expect(error).toBeInstanceOf(SkeinError);
      expect(error).toMatchObject({
        name: 'full',
        code: 'remote-error',
        ran: 'yes',
        data: { left: 0 },
        details: { name: 'full', details: { left: 0 } },
        message: '[remote-error] full',
      });
    });

    it('has its message and its causes', async () => {
      const thrown = new Full({ left: 2 }, { message: 'only dwarfs fit', cause: new RangeError('too small') });
      const { error } = await turnAway(use(), () => thrown);
      expect(error).toMatchObject({ message: '[remote-error] full: only dwarfs fit', data: { left: 2 } });
      expect(thrown.message).toBe((error as Error).message);
      expect((error as Error).cause).toMatchObject({
        message: '[remote-error] RangeError: too small',
        details: { name: 'RangeError' },
      });
      expect((error as Error).stack).not.toContain('on the server');
    });

    it('may have no data', async () => {
      const { error } = await turnAway(use(), () => new Shut());
      expect(error).toBeInstanceOf(Shut);
      expect(error).toHaveProperty('data', undefined);
    });

    it('has the stack of the server where the server is told to send it', async () => {
      const cluster = use();
      const { client } = await connect(
        cluster,
        Park,
        {
          enter: () => {
            throw new Full({ left: 0 });
          },
        },
        { server: { sendStacks: true } },
      );
      const error = await thrownBy(cluster.settle(client.enter('goose')));
      expect(error).toBeInstanceOf(Full);
      expect((error as Error).stack).toMatch(/on the server: .*[\s\S]*declared-errors/);
    });

    it('is any remote-error where the client declares none', async () => {
      const Undeclared = contract('park', '1', { enter: call<string, string>() });
      const { error } = await turnAway(use(), () => new Full({ left: 0 }, { message: 'sorry' }), Undeclared);
      expect(error).not.toBeInstanceOf(Full);
      expect(error).toMatchObject({
        code: 'remote-error',
        name: 'SkeinError',
        message: '[remote-error] full: sorry',
        details: { name: 'full', details: { left: 0 } },
      });
    });

    it('is any remote-error where its data is not what was declared, which is counted', async () => {
      const { error, caller } = await turnAway(use(), () => new Full({ left: 'none' } as never));
      expect(error).not.toBeInstanceOf(Full);
      expect(error).toMatchObject({ code: 'remote-error', details: { name: 'full', details: { left: 'none' } } });
      expect(counted(caller, 'errors.invalid')).toBe(1);
      expect(ends(caller)).toEqual({ 'requests.remote-error': 1 });
    });

    it('is any remote-error where its class cannot be made of its data', async () => {
      const Undone = class extends defineError('full', z.object({ left: z.int() })) {
        constructor() {
          super({ left: 7 });
        }
      };
      const { error, caller } = await turnAway(use(), () => new Full({ left: 0 }), parkOf(Undone));
      expect(error).not.toBeInstanceOf(Undone);
      expect(isSkeinError(error, 'remote-error')).toBe(true);
      expect(counted(caller, 'errors.invalid')).toBe(1);
    });

    it('may have data that takes its time to check, at most until the deadline', async () => {
      const cluster = use();
      const checked = z.object({ left: z.int().refine(async (left) => Promise.resolve(left === 0)) });
      const endless = z.object({ left: z.int().refine(async () => new Promise<boolean>(() => undefined)) });
      class Slow extends defineError('full', checked) {}
      class Endless extends defineError('full', endless) {}
      const { caller } = await turnAway(cluster, () => new Full({ left: 0 }));
      expect(await thrownBy(cluster.settle(caller.client(parkOf(Slow as never)).enter('')))).toBeInstanceOf(Slow);
      const late = await thrownBy(cluster.settle(caller.client(parkOf(Endless as never)).enter('', { timeoutMs: shortMs })));
      expect(late).not.toBeInstanceOf(Endless);
      expect(late).toMatchObject({ code: 'remote-error', details: { name: 'full' } });
    });

    it('that its method expects is logged at debug at the server, and counted apart', async () => {
      const cluster = use();
      const { server, client } = await turnAway(cluster, () => new Full({ left: 0 }));
      expect(handlerCounts(server)).toEqual([1, 0]);
      expect(linesOf(cluster, 'error')).toEqual([]);
      expect(linesOf(cluster, 'debug').filter(({ message }) => message.includes('enter'))).toMatchObject([
        { message: 'the handler of enter failed as its contract expects', fields: { error: { data: { left: 0 } } } },
      ]);
      const { methods } = await cluster.settle(client.$describe());
      expect(methods.enter).toMatchObject({ calls: 1, failures: 0, errors: ['full', 'shut'], expected: 1 });
    });

    it('that its method does not expect is logged at error, with its stack', async () => {
      const cluster = use();
      class Strange extends defineError('strange', typed<number>()) {}
      const { server, error } = await turnAway(cluster, () => new Strange(5, { message: 'odd' }));
      expect(error).toMatchObject({ message: '[remote-error] strange: odd', details: { name: 'strange', details: 5 } });
      expect(handlerCounts(server)).toEqual([0, 1]);
      const [line, ...others] = linesOf(cluster, 'error');
      expect(others).toEqual([]);
      expect((line?.fields.error as Error).stack).toContain('declared-errors');
    });

    it('of a call that a handler made goes on as what it is', async () => {
      const cluster = use();
      const Gate = contract('gate', '1', {
        open: call({ input: typed<string>(), output: typed<string>(), errors: [Full] }),
        plain: call<string, string>(),
      });
      const gate = await cluster.node('gate');
      await cluster.serve(await cluster.node('park'), Park, {
        enter: () => {
          throw new Full({ left: 0 }, { message: 'no' });
        },
      });
      const enter = (who: string) => gate.client(Park).enter(who);
      await cluster.serve(gate, Gate, { open: enter, plain: enter });
      const client = (await cluster.node('caller')).client(Gate);
      const error = await thrownBy(cluster.settle(client.open('goose')));
      expect(error).toBeInstanceOf(Full);
      expect(error).toMatchObject({ message: '[remote-error] full: no', data: { left: 0 } });
      const plain = await failureOf('remote-error', cluster.settle(client.plain('goose')));
      expect(plain).toMatchObject({ message: '[remote-error] full: no', details: { name: 'full', details: { left: 0 } } });
    });

    it('is declared by a class of its own, by a name of its own', () => {
      expect(() => defineError('')).toThrow('the name of an error must be a text of 1 to 255 bytes');
      expect(() => defineError('full', 5 as never)).toThrow('no Standard Schema');
      expect(() => contract('odd', '1', { a: call({ errors: [Error] as never }) })).toThrow('extend defineError');
      expect(() => contract('odd', '1', { a: call({ errors: Full as never }) })).toThrow('an array of classes');
      class Again extends defineError('full') {}
      expect(() => contract('odd', '1', { a: call({ errors: [Full, Again] }) })).toThrow('two that are called full');
    });
  });

  describe('a settled call', () => {
    const connectPark = (cluster: Cluster) => {
      const entered: string[] = [];
      const enter = (who: string): string => {
        entered.push(who);
        if (who === 'last') throw new Full({ left: 0 });
        if (who === 'bad') throw new RangeError('bad');
        return `welcome, ${who}`;
      };
      return connect(cluster, Park, { enter }).then((connected) => ({ ...connected, entered }));
    };

    it('gives every outcome as a value', async () => {
      const cluster = use();
      const { client, caller } = await connectPark(cluster);
      expect(await cluster.settle(settle(client.enter('first')))).toEqual({ ok: true, value: 'welcome, first' });
      const outcomes = [];
      for (const sent of [client.enter('last'), client.enter('bad'), client.enter('late', { timeoutMs: 0 })]) {
        const outcome = await cluster.settle(settle(sent));
        if (outcome.ok) throw new Error('it was to fail');
        const { error } = outcome;
        if (error instanceof Full) outcomes.push(`left: ${String(error.data.left)}`);
        else outcomes.push(error.code);
      }
      expect(outcomes).toEqual(['left: 0', 'remote-error', 'deadline-exceeded']);
      const all = await cluster.settle(firstValueFrom(settle(client.$on('nobody').enter('x', { timeoutMs: 0 })).pipe(toArray())));
      expect(all).toMatchObject([{ ok: false, error: { code: 'deadline-exceeded' } }]);
      expect(ends(caller)).toEqual({ 'requests.ok': 1, 'requests.remote-error': 2, 'requests.deadline-exceeded': 2 });
    });

    it('is as lazy as the call, and sends what that sends', async () => {
      const cluster = use();
      const { client, entered } = await connectPark(cluster);
      const unsent = settle(client.enter('unsent'));
      const sent = client.enter('once');
      const settled = settle(sent);
      await cluster.settle(Promise.all([settled, settled, sent, settle(sent)]));
      expect(entered).toEqual(['once']);
      const twice$ = settle(client.enter('twice'));
      expect(await cluster.settle(firstValueFrom(twice$))).toEqual({ ok: true, value: 'welcome, twice' });
      const iterate = async () => {
        for await (const outcome of twice$) expect(outcome.ok).toBe(true);
      };
      await cluster.settle(iterate());
      expect(entered).toEqual(['once', 'twice', 'twice']);
      expect(unsent).toHaveProperty('then');
    });
  });
};
