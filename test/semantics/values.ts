import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { call, cast, contract } from '../../lib/index.js';
import { connect, ends, failureOf, type Part, Signal } from './cluster.js';

const Echo = contract('echo', '1', { same: call<unknown, unknown>(), note: cast<unknown>(), make: call<string, unknown>() });

const same: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  127,
  128,
  -129,
  65_536,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 40,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  0.1,
  -1e300,
  5e-324,
  Infinity,
  -Infinity,
  Number.NaN,
  '',
  'a',
  'ümlaut, 語, 🪿, \u0000 and "quotes"',
  'x'.repeat(70_000),
  [],
  {},
  [[], [{}], [[null]]],
  { a: 1, b: 'hello', nested: { list: [1, 'two', null, { deep: true }] } },
  { '': 'empty', 語: 1, 'a b': 2, constructor: 'field', toString: 'field', hasOwnProperty: 'field' },
  new Date(0),
  new Date('2024-02-29T12:34:56.789Z'),
  new Date(-1),
  new Date('1900-01-01T00:00:00.001Z'),
  new Date('9999-12-31T23:59:59.999Z'),
  0n,
  1n,
  -1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 64n - 1n,
  Array.from({ length: 1_000 }, (_, i) => ({ i, text: String(i) })),
  Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key${String(i)}`, i])),
];

class Point {
  readonly x = 1;
  readonly y = 2;
}

class Sealed {
  readonly secret = 1;
  toJSON(): string {
    return 'its own way';
  }
}

const withHole: unknown[] = [1];
withHole[2] = 2;

/** What arrives as something else; docs/semantics.md lists them. */
const normalised: readonly (readonly [sent: unknown, arrives: unknown])[] = [
  [undefined, null],
  [{ a: undefined }, { a: null }],
  [withHole, [1, null, 2]],
  [-0, 0],
  [new Point(), { x: 1, y: 2 }],
  [new Sealed(), 'its own way'],
  [Object.assign(Object.create(null) as object, { bare: true }), { bare: true }],
  ['half of a pair: \ud800', 'half of a pair: \ufffd\ufffd\ufffd'],
  [Buffer.from('abc'), Uint8Array.from([97, 98, 99])],
];

const unsendable: readonly (readonly [what: string, value: unknown, path: string])[] = [
  ['a function', { on: { click: () => undefined } }, 'on.click'],
  ['a symbol', [1, Symbol('x')], '1'],
  ['a bigint beyond 64 bits', { big: [2n ** 64n] }, 'big.0'],
  ['a negative one', { big: -(2n ** 63n) - 1n }, 'big'],
  ['a Map', { map: new Map() }, 'map'],
  ['a Set', [[new Set()]], '0.0'],
  ['an invalid Date', { at: new Date(Number.NaN) }, 'at'],
  ['a promise', { soon: Promise.resolve() }, 'soon'],
  ['a regular expression', { shape: /x/ }, 'shape'],
  ['an error', { error: new Error('x') }, 'error'],
  ['a boxed number', { n: new Number(5) }, 'n'],
  ['an array of other numbers', { floats: new Float64Array(2) }, 'floats'],
];

/** Section 2: what arrives is what was sent. */
export const values: Part = (use, { copies }) => {
  describe('values', () => {
    it('arrive as they were sent, there and back', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Echo, { same: (value) => value, note: () => undefined, make: () => undefined });
      const answers = await cluster.settle(Promise.all(same.map((value) => client.same(value))));
      expect(answers).toEqual(same);
      expect(await cluster.settle(client.same(same))).toEqual(same);
    });

    it.runIf(copies)('that have no shape of their own arrive as their nearest relation', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Echo, { same: (value) => value, note: () => undefined, make: () => undefined });
      for (const [sent, arrives] of normalised) {
        const answer = await cluster.settle(client.same(sent));
        if (arrives instanceof Uint8Array) expect(Buffer.from(answer as Uint8Array)).toEqual(Buffer.from(arrives));
        else expect(answer).toStrictEqual(arrives);
      }
      expect(Object.is(await cluster.settle(client.same(-0)), 0)).toBe(true);
    });

    it('of bytes arrive as bytes, of any length', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Echo, { same: (value) => value, note: () => undefined, make: () => undefined });
      for (const length of [0, 1, 31, 255, 256, 16_383, 16_384, 65_536, 1_048_577]) {
        const sent = randomBytes(length);
        const direct = (await cluster.settle(client.same(sent))) as Uint8Array;
        const within = (await cluster.settle(client.same({ at: [sent], length }))) as { at: [Uint8Array]; length: number };
        for (const bytes of [direct, within.at[0]]) {
          expect(bytes).toBeInstanceOf(Uint8Array);
          expect(sent.equals(bytes)).toBe(true);
        }
        expect(within.length).toBe(length);
      }
    });

    it('of many sizes share a link and find their callers', async () => {
      const cluster = use();
      const { client } = await connect(cluster, Echo, { same: (value) => value, note: () => undefined, make: () => undefined });
      const sizes = Array.from({ length: 200 }, (_, i) => (i % 7 === 0 ? 20_000 + i : i));
      const answers = await cluster.settle(Promise.all(sizes.map((size) => client.same('y'.repeat(size)))));
      expect(answers.map((answer) => (answer as string).length)).toEqual(sizes);
    });

    it.runIf(copies)('that cannot be sent are refused before anything is, with the path to them', async () => {
      const cluster = use();
      let ran = 0;
      const { caller, client } = await connect(cluster, Echo, {
        same: () => (ran += 1),
        note: () => (ran += 1),
        make: () => undefined,
      });
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      for (const [what, value, path] of [...unsendable, ['a cycle', cycle, 'self.self']] as const) {
        const error = await failureOf('invalid-argument', cluster.settle(client.same(value)));
        expect(error.ran, what).toBe('no');
        expect((error.details.issues[0]?.path ?? []).map(String).join('.').startsWith(path), what).toBe(true);
        await failureOf('invalid-argument', cluster.settle(client.note(value)));
      }
      await cluster.settle(client.same(1));
      expect(ran).toBe(1);
      expect(ends(caller)).toEqual({ 'requests.invalid-argument': 2 * (unsendable.length + 1), 'requests.ok': 1 });
    });

    it.runIf(copies)('that are too large are refused before anything is sent', async () => {
      const cluster = use();
      const { caller, client } = await connect(cluster, Echo, {
        same: (value) => value,
        note: () => undefined,
        make: () => undefined,
      });
      const huge = new Uint8Array(64 * 1024 * 1024 + 64 * 1024 + 1);
      const error = await failureOf('payload-too-large', cluster.settle(client.same(huge)));
      expect(error).toMatchObject({ ran: 'no', details: { bytesMax: huge.byteLength - 1 } });
      expect(error.details.bytes).toBeGreaterThanOrEqual(huge.byteLength);
      await failureOf('payload-too-large', cluster.settle(client.note({ huge })));
      expect(ends(caller)).toEqual({ 'requests.payload-too-large': 2 });
    });

    it.runIf(copies)('that a handler returns and that cannot be sent are an error of the handler', async () => {
      const cluster = use();
      const made: Readonly<Record<string, unknown>> = {
        function: () => undefined,
        map: new Map(),
        huge: new Uint8Array(64 * 1024 * 1024 + 64 * 1024 + 1),
        fine: 'fine',
      };
      const { client } = await connect(cluster, Echo, {
        same: (value) => value,
        note: () => undefined,
        make: (what) => made[what],
      });
      for (const what of ['function', 'map', 'huge']) {
        const error = await failureOf('remote-error', cluster.settle(client.make(what)));
        expect(error.ran).toBe('yes');
        expect(error.message).toContain('cannot be sent');
      }
      expect(await cluster.settle(client.make('fine'))).toBe('fine');
    });

    it.runIf(copies)('are taken as they are when they are given, whatever becomes of them later', async () => {
      const cluster = use();
      const seen: unknown[] = [];
      const all = new Signal();
      const state = { made: 0, when: new Date(0), list: [{ n: 0 }] };
      const { client } = await connect(cluster, Echo, {
        same: (value) => value,
        note: (value) => {
          if (seen.push(value) === 5) all.resolve();
        },
        make: () => {
          state.made += 1;
          state.when.setTime(state.made);
          (state.list[0] as { n: number }).n = state.made;
          return state;
        },
      });
      const [sent, bytes] = [{ deep: { n: 1 }, bytes: new Uint8Array([1]) }, new Uint8Array(1_000)];
      const echoed = client.same(sent).then((value) => value);
      sent.deep.n = 2;
      sent.bytes[0] = 2;
      for (let i = 1; i <= 5; i += 1) client.note(bytes.fill(i));
      const made = Array.from({ length: 5 }, () => Promise.resolve(client.make('state')));
      expect(await cluster.settle(echoed)).toEqual({ deep: { n: 1 }, bytes: new Uint8Array([1]) });
      expect(await cluster.settle(Promise.all(made))).toEqual(
        [1, 2, 3, 4, 5].map((n) => ({ made: n, when: new Date(n), list: [{ n }] })),
      );
      await cluster.settle(all.promise);
      expect(seen).toEqual([1, 2, 3, 4, 5].map((i) => new Uint8Array(1_000).fill(i)));
    });

    it.runIf(copies)(
      'that are one thing when they are measured and another when they are sent fail alone, and end nothing else',
      async () => {
        const cluster = use();
        const turning = (later: unknown): unknown => {
          let reads = 0;
          return Object.defineProperty({}, 'a', { enumerable: true, get: () => ((reads += 1) === 1 ? 1 : later) });
        };
        const { caller, client } = await connect(cluster, Echo, {
          same: (value) => value,
          note: () => undefined,
          make: (what) => {
            if (what === 'failing') throw Object.assign(new Error('boom'), { details: turning(2n ** 70n) });
            return what === 'turning' ? turning(2n ** 70n) : what;
          },
        });
        const others = [1, 2, 3].map((value) => Promise.resolve(client.same(value)));
        const changed = failureOf('invalid-argument', Promise.resolve(client.same(turning(2n ** 70n))));
        const grown = failureOf('payload-too-large', client.note(turning(new Uint8Array(90 * 1024 * 1024))));
        const made = ['fine', 'turning', 'fine'].map((what) => Promise.resolve(client.make(what)));
        const lost = failureOf('remote-error', made[1] as Promise<unknown>);
        const failed = failureOf('remote-error', Promise.resolve(client.make('failing')));
        expect((await cluster.settle(changed)).ran).toBe('no');
        expect((await cluster.settle(grown)).ran).toBe('no');
        expect((await cluster.settle(lost)).message).toContain('cannot be sent');
        await cluster.settle(failed);
        expect(await cluster.settle(Promise.all([...others, made[0], made[2]]))).toEqual([1, 2, 3, 'fine', 'fine']);
        const given = new Uint8Array(100_000);
        const gone = failureOf(
          'invalid-argument',
          client.same(given).then((value) => value),
        );
        structuredClone(given.buffer, { transfer: [given.buffer] });
        expect((await cluster.settle(gone)).ran).toBe('no');
        expect(await cluster.settle(client.note('as before'))).toMatchObject({ state: 'accepted' });
        expect(caller.counters().get('requests.link-lost')).toBeUndefined();
      },
    );
  });
};
