import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { type Envelope, Kind, type Meta, type RequestEnvelope } from '../../lib/core/envelope.js';
import { type ErrorCode, isSkeinError } from '../../lib/core/errors.js';
import { limits } from '../../lib/core/limits.js';
import { fixture, readHex, show, writeHex } from './msgpackr-fixtures.js';

/*
 * Golden bytes. What stands in test/fixtures/protocol is what other implementations can be tested with, and what a change of
 * this one must not change. After a deliberate change of the protocol: npx vitest run test/adapters/msgpackr-golden.test.ts -u
 */

const codec = new MsgpackrCodec();

const weigh = (payload: unknown): { readonly payload: unknown; readonly bytes: number } => ({
  payload,
  bytes: codec.measure(payload),
});

const request = (kind: RequestEnvelope['kind'], id: number, payload: unknown, meta?: Meta): RequestEnvelope => ({
  kind,
  id,
  method: 0,
  ttlMs: 60_000,
  ...weigh(payload),
  meta,
});

const reply = (id: number, payload: unknown): Envelope => ({ kind: Kind.reply, id, ...weigh(payload) });

const part = (bytes: number): { readonly payload: Uint8Array; readonly bytes: number } => ({
  payload: new Uint8Array(bytes),
  bytes,
});

const byteItem = (id: number, ...bytes: readonly number[]): Envelope => ({
  kind: Kind.item,
  id,
  ...weigh(Uint8Array.from(bytes)),
  cost: 1,
});

const small = { a: 1, b: 'hello' };

const method: Envelope = {
  kind: Kind.method,
  index: 0,
  name: { exchange: 'default', topic: 'compute', server: 'host-7@lvm', namespace: '', version: '1.2', method: 'boot' },
};

const values = {
  nothing: null,
  yes: true,
  numbers: [0, 127, 128, 65_535, 4_294_967_295, -1, -32, -33, -2_147_483_648, 0.5],
  beyond32Bits: [4_294_967_296, -2_147_483_649, Number.MAX_SAFE_INTEGER],
  int64: [1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n],
  text: ['', 'skein', 'Gänse fliegen 🪿', 'x'.repeat(32)],
  bytes: [new Uint8Array(0), Uint8Array.of(0, 255)],
  dates: [new Date(0), new Date('2026-01-02T03:04:05.678Z'), new Date('1969-12-31T23:59:59.999Z')],
  empty: [[], {}],
};

/** Batches as this implementation writes them, byte for byte. */
const written: readonly (readonly [name: string, meaning: string, envelopes: readonly Envelope[]])[] = [
  [
    'hello',
    'the dialling side presents itself',
    [{ kind: Kind.hello, major: 1, node: 'api', incarnation: '0kq3w-1', features: [], heartbeatMs: 1_000 }],
  ],
  [
    'welcome',
    'the listening side lets it in, with credit for 1,024 requests',
    [{ kind: Kind.welcome, major: 1, node: 'host-7', incarnation: '0kq3v-9', features: [], heartbeatMs: 1_000, credit: 1_024 }],
  ],
  ['goodbye', 'one side leaves', [{ kind: Kind.goodbye, code: 'closed', reason: 'the link is closed' }]],
  ['heartbeat', 'a sign of life', [{ kind: Kind.heartbeat }]],
  ['method', 'from here on 0 stands for the method boot of the server host-7@lvm', [method]],
  ['call', 'call 1 of method 0, with 60,000 ms left', [request(Kind.call, 1, small)]],
  [
    'call-with-meta',
    'a call with a context and a trace',
    [
      request(Kind.call, 2, small, {
        context: { user: 'ada' },
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      }),
    ],
  ],
  [
    'open',
    'stream 5 of method 0: 60,000 ms to open it, any time for the whole, and credit for 256',
    [{ ...request(Kind.open, 5, small), stream: { wholeMs: 0, credit: 256 } }],
  ],
  [
    'open-with-meta',
    'the same with 90,000 ms for the whole, and proof of work each 250 ms wanted',
    [{ ...request(Kind.open, 6, null, { silenceMs: 1_000 }), stream: { wholeMs: 90_000, credit: 0 } }],
  ],
  ['working', 'the handler of 5 is at work: the stream is open', [{ kind: Kind.working, id: 5 }]],
  [
    'items',
    'two items of stream 5',
    [
      { kind: Kind.item, id: 5, ...weigh(small), cost: 1 },
      { kind: Kind.item, id: 5, ...weigh(null), cost: 1 },
    ],
  ],
  [
    'item-attached',
    'an item of 40,000 bytes takes 3 of its credit',
    [{ kind: Kind.item, id: 5, ...weigh(new Uint8Array(40_000)), cost: 3 }],
  ],
  [
    'run',
    'four items of stream 5 that are short bytes, behind one of stream 6, go as one record',
    [byteItem(6, 9), ...[0, 1, 2, 1].map((length) => byteItem(5, ...Array<number>(length).fill(7)))],
  ],
  [
    'run-attached',
    'forty items of 512 bytes, the bytes of which are a frame of their own',
    Array.from({ length: 40 }, () => byteItem(5, ...Array<number>(512).fill(7))),
  ],
  ['demand', 'stream 5 may send 64 more, since 60 items were consumed', [{ kind: Kind.demand, id: 5, count: 64, items: 60 }]],
  [
    'part',
    'the first 20,000 of 30,000 bytes of what goes in parts as number 1',
    [{ kind: Kind.part, id: 1, left: 10_000, ...part(20_000) }],
  ],
  ['parted', '131,072 bytes of parts were read', [{ kind: Kind.parted, count: 131_072 }]],
  ['end', 'the dialling side has sent all items of 6', [{ kind: Kind.end, id: 6 }]],
  ['cast', 'cast 3 of method 0', [request(Kind.cast, 3, small)]],
  [
    'cast-to-be-confirmed',
    'a cast whose sender wants to know that it was done',
    [request(Kind.cast, 4, small, { confirm: 'done' })],
  ],
  ['reply', 'the value of call 1', [reply(1, small)]],
  ['reply-with-values', 'every kind of value that may travel', [reply(5, values)]],
  [
    'error',
    'the handler of call 6 failed, for a reason beneath',
    [
      {
        kind: Kind.error,
        id: 6,
        error: {
          code: 'remote-error',
          name: 'BootError',
          message: 'no such image',
          details: { code: 'ENOIMAGE', details: { image: 'debian' } },
          cause: { code: 'remote-error', name: 'Error', message: 'file not found', details: {} },
        },
      },
    ],
  ],
  [
    'refuse',
    'request 7 was not started',
    [
      {
        kind: Kind.refuse,
        id: 7,
        error: { code: 'overloaded', message: 'more is waiting than may wait', details: { retryAfterMs: 20 } },
      },
    ],
  ],
  [
    'refuse-repeat',
    'the second repeat of request 7 was not started',
    [{ kind: Kind.refuse, id: 7, error: { code: 'closed', message: 'gone', details: {} }, attempt: 2 }],
  ],
  ['accept', 'the three oldest casts that were not settled yet are', [{ kind: Kind.accept, count: 3, id: 6 }]],
  ['done', 'the handler of cast 4 ended well', [{ kind: Kind.done, id: 4 }]],
  ['cancel', 'request 8 is no longer wanted', [{ kind: Kind.cancel, id: 8 }]],
  ['credit', '256 more requests may be sent', [{ kind: Kind.credit, count: 256 }]],
  [
    'batch',
    'a method and its first requests in one message; ids take as many bytes as they need',
    [
      method,
      request(Kind.call, 1, small),
      request(Kind.cast, 300, [1, 2]),
      request(Kind.call, 70_000, 'x'),
      { kind: Kind.cancel, id: 1 },
    ],
  ],
  ['id-beyond-32-bits', 'ids beyond 32 bits are floats', [reply(4_294_967_296, null)]],
  [
    'attached-bytes',
    'bytes that weigh 16 KiB or more are a frame of their own, as they are',
    [request(Kind.call, 9, new Uint8Array(limits.framedBytesMin)), reply(10, small)],
  ],
  [
    'attached-value',
    'any other large value is a frame of its own, as MessagePack',
    [
      reply(11, 'x'.repeat(limits.framedBytesMin)),
      reply(
        12,
        Uint8Array.from({ length: limits.framedBytesMin }, () => 7),
      ),
    ],
  ],
];

const batch = (...flat: readonly unknown[]): Uint8Array => pack(flat);

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Batches that others may write, and that every implementation must understand. */
const read: readonly (readonly [name: string, meaning: string, frames: readonly Uint8Array[]])[] = [
  ['empty', 'a batch without records', [batch(1)]],
  ['unknown-kind', 'kind 100 with two fields is stepped over', [batch(1, 100 * 8 + 2, 'a', { b: 1 }, Kind.done * 8 + 1, 4)]],
  [
    'unknown-kind-with-attachment',
    'its frame is stepped over too',
    [batch(1, Kind.attach * 8 + 1, 0, 100 * 8, Kind.attach * 8 + 1, 1, Kind.reply * 8 + 2, 1, null), hex('00'), batch('kept')],
  ],
  [
    'more-fields',
    'fields behind those that are known are ignored',
    [batch(1, Kind.reply * 8 + 4, 1, 'value', 'more', null, Kind.heartbeat * 8 + 1, 7)],
  ],
  [
    'more-keys',
    'keys that are not known are ignored, in greetings, meta and errors',
    [
      batch(
        1,
        ...[Kind.hello * 8 + 1, { node: 'api', incarnation: 'x-1', features: ['records', 7], heartbeatMs: 500, mood: 'fine' }],
        ...[Kind.call * 8 + 5, 1, 0, 1_000, null, { context: { a: 'b' }, urgency: 9, confirm: 'twice' }],
        ...[Kind.error * 8 + 2, 2, { code: 'closed', message: 'no', hint: 'wait' }],
      ),
    ],
  ],
  [
    'no-features',
    'a greeting may leave its features out',
    [batch(1, Kind.hello * 8 + 1, { node: 'api', incarnation: 'x-1', heartbeatMs: 500 })],
  ],
  ['integers', 'a whole number may be written in any of its forms', [hex('95 01 39 cf0000000000000004 39 d200000005')]],
  ['float-count', 'a whole number may be a float', [hex('93 01 41 cb4059000000000000')]],
  [
    'small-attachment',
    'what is attached may be as small as it likes',
    [batch(1, Kind.attach * 8 + 1, 0, Kind.reply * 8 + 2, 1, null), hex('0102')],
  ],
  ['run-of-none', 'a run may have any number of items', [batch(1, Kind.run * 8 + 3, 5, [], new Uint8Array(0))]],
  [
    'run-in-a-small-attachment',
    'and be attached',
    [batch(1, Kind.attach * 8 + 1, 0, Kind.run * 8 + 3, 5, [1, 2], null), hex('010203')],
  ],
  ['unknown-meta', 'meta without anything known is as good as none', [batch(1, Kind.cast * 8 + 5, 1, 0, 1_000, null, {})]],
  [
    'goodbye-of-another-major',
    'the goodbye is the same in all versions',
    [batch(2, Kind.goodbye * 8 + 2, 'unsupported-version', 'speak 2')],
  ],
  [
    'later-goodbye-of-another-major',
    'be it with more fields',
    [batch(9, Kind.goodbye * 8 + 3, 'unsupported-version', 'speak 9', { until: 0 })],
  ],
  [
    'strange-keys',
    'keys that would harm a JavaScript object do not',
    [hex('94 01 12 01 81 a9 5f5f70726f746f5f5f 81 a5 61646d696e c3')],
  ],
];

const greeting = { node: 'api', incarnation: 'x-1', features: [], heartbeatMs: 500 };
const name = { exchange: 'default', topic: 't', server: 's', namespace: '', version: '1', method: 'm' };

/** Messages that every implementation must refuse: with the code of the goodbye that answers them. */
const refused: readonly (readonly [name: string, frames: readonly Uint8Array[], code?: 'unsupported-version'])[] = [
  ['no-frame', []],
  ['empty-frame', [new Uint8Array(0)]],
  ['no-msgpack', [hex('c1')]],
  ['no-array', [batch(1).subarray(1)]],
  ['map', [pack({ major: 1 })]],
  ['cut-short', [batch(1, Kind.reply * 8 + 2, 1, 'hello').subarray(0, -1)]],
  ['bytes-behind', [Buffer.concat([batch(1, Kind.heartbeat * 8), hex('00')])]],
  ['lying-array', [hex('dd ffffffff 01')]],
  ['lying-map', [hex('94 01 12 01 df ffffffff')]],
  ['lying-text', [hex('94 01 12 01 db ffffffff 61')]],
  ['lying-bytes', [hex('94 01 12 01 c6 ffffffff 61')]],
  ['no-major', [hex('90')], 'unsupported-version'],
  ['another-major', [batch(2, Kind.hello * 8 + 1, greeting)], 'unsupported-version'],
  ['strange-major', [batch('1', Kind.heartbeat * 8)], 'unsupported-version'],
  ['head-no-number', [batch(1, 'call', 1)]],
  ['head-negative', [batch(1, -8)]],
  ['head-fraction', [batch(1, 88.5)]],
  ['head-bigint', [hex('92 01 cf 0000000000000058')]],
  ['record-cut-short', [batch(1, Kind.reply * 8 + 3, 1, 'a')]],
  ['call-without-fields', [batch(1, Kind.call * 8 + 3, 1, 0, 60_000)]],
  ['reply-without-value', [batch(1, Kind.reply * 8 + 1, 1)]],
  ['credit-without-count', [batch(1, Kind.credit * 8, Kind.heartbeat * 8)]],
  ['method-without-name', [batch(1, Kind.method * 8 + 1, 0)]],
  ['goodbye-without-reason', [batch(1, Kind.goodbye * 8 + 1, 'closed')]],
  ['too-many-records', [batch(1, ...Array<number>(65_537).fill(Kind.heartbeat * 8))]],
  ['run-without-bytes', [batch(1, Kind.run * 8 + 2, 5, [1])]],
  ['run-of-text', [batch(1, Kind.run * 8 + 3, 5, [1], 'a')]],
  ['run-without-lengths', [batch(1, Kind.run * 8 + 3, 5, 1, Uint8Array.of(7))]],
  ['run-with-too-few-bytes', [batch(1, Kind.run * 8 + 3, 5, [1, 1], Uint8Array.of(7))]],
  ['run-with-bytes-left', [batch(1, Kind.run * 8 + 3, 5, [1], Uint8Array.of(7, 8))]],
  ['run-with-a-length-below-0', [batch(1, Kind.run * 8 + 3, 5, [2, -1], Uint8Array.of(7))]],
  ['hello-without-map', [batch(1, Kind.hello * 8)]],
  ['id-negative', [batch(1, Kind.cancel * 8 + 1, -1)]],
  ['id-fraction', [batch(1, Kind.cancel * 8 + 1, 1.5)]],
  ['id-text', [batch(1, Kind.cancel * 8 + 1, '1')]],
  ['id-beyond-53-bits', [hex('93 01 39 cf 0020000000000000')]],
  ['id-infinite', [batch(1, Kind.cancel * 8 + 1, Infinity)]],
  ['hello-array', [batch(1, Kind.hello * 8 + 1, [])]],
  ['hello-without-node', [batch(1, Kind.hello * 8 + 1, { ...greeting, node: undefined })]],
  ['hello-number-for-node', [batch(1, Kind.hello * 8 + 1, { ...greeting, node: 7 })]],
  ['hello-features-no-array', [batch(1, Kind.hello * 8 + 1, { ...greeting, features: 'all' })]],
  ['hello-heartbeat-negative', [batch(1, Kind.hello * 8 + 1, { ...greeting, heartbeatMs: -1 })]],
  ['welcome-without-credit', [batch(1, Kind.welcome * 8 + 1, greeting)]],
  ['method-without-version', [batch(1, Kind.method * 8 + 2, 0, { ...name, version: null })]],
  ['meta-no-map', [batch(1, Kind.call * 8 + 5, 1, 0, 1, null, 'meta')]],
  ['context-no-text', [batch(1, Kind.call * 8 + 5, 1, 0, 1, null, { context: { a: 1 } })]],
  ['error-no-map', [batch(1, Kind.error * 8 + 2, 1, 'it failed')]],
  ['error-without-code', [batch(1, Kind.error * 8 + 2, 1, { message: 'it failed' })]],
  ['error-cause-no-map', [batch(1, Kind.error * 8 + 2, 1, { code: 'closed', message: '', cause: 'x' })]],
  ['attachment-missing', [batch(1, Kind.attach * 8 + 1, 0, Kind.reply * 8 + 2, 1, null)]],
  ['attachment-left-over', [batch(1, Kind.reply * 8 + 2, 1, null), hex('00')]],
  ['attachment-for-nothing', [batch(1, Kind.attach * 8 + 1, 0), hex('00')]],
  ['attachment-for-a-heartbeat', [batch(1, Kind.attach * 8 + 1, 0, Kind.heartbeat * 8), hex('00')]],
  [
    'attachment-twice',
    [batch(1, Kind.attach * 8 + 1, 0, Kind.attach * 8 + 1, 0, Kind.reply * 8 + 2, 1, null), hex('00'), hex('00')],
  ],
  ['attachment-of-another-style', [batch(1, Kind.attach * 8 + 1, 2, Kind.reply * 8 + 2, 1, null), hex('00')]],
  ['attachment-no-msgpack', [batch(1, Kind.attach * 8 + 1, 1, Kind.reply * 8 + 2, 1, null), hex('c1')]],
  ['never-used-byte', [hex('94 01 12 01 91 c1')]],
  ['record-extension', [hex('94 01 12 01 d4 72 40 91 a1 61 05')]],
  ['set-extension', [hex('94 01 12 01 d4 73 00 91 05')]],
  ['regexp-extension', [hex('94 01 12 01 d4 78 00 92 a1 61 a0')]],
  ['error-extension', [hex('94 01 12 01 d4 65 00 93 a5 4572726f72 a1 61 c0')]],
  ['typed-array-extension', [hex('94 01 12 01 c7 05 74 07 00000000')]],
  ['unknown-extension', [hex('94 01 12 01 d4 33 00')]],
  ['reference-extension', [hex('94 01 12 01 d6 69 00000001 91 d6 70 00000001')]],
  ['set-in-an-error', [hex('94 01 1a 01 83 a4 636f6465 a1 61 a7 6d657373616765 a1 62 a7 64657461696c73 d4 73 00 91 05')]],
  ['nested-too-deep', [Buffer.concat([hex('94 01 12 01'), Buffer.alloc(257, 0x91), hex('c0')])]],
  ['nested-without-end', [Buffer.concat([hex('94 01 12 01'), Buffer.alloc(1_000_000, 0x91)])]],
];

const readFixture = (file: string): unknown =>
  JSON.parse(readFileSync(resolve(import.meta.dirname, '../fixtures/protocol', `${file}.json`), 'utf8'));

describe('the golden bytes', () => {
  it('are what this implementation writes, and are read back as what they mean', async () => {
    const rows = written.map(([row, meaning, envelopes]) => {
      const frames = codec.encode(envelopes);
      expect(show(codec.decode(frames)), row).toEqual(show(envelopes));
      return { name: row, meaning, frames: frames.map(writeHex), envelopes: show(envelopes) };
    });
    const { path, text } = await fixture('written', rows);
    await expect(text).toMatchFileSnapshot(path);
  });

  it('that others may write are understood', async () => {
    const rows = read.map(([row, meaning, frames]) => ({
      name: row,
      meaning,
      frames: frames.map(writeHex),
      envelopes: show(codec.decode(frames)),
    }));
    const { path, text } = await fixture('read', rows);
    await expect(text).toMatchFileSnapshot(path);
  });

  it('that are malformed are refused, each with its reason', async () => {
    const rows = refused.map(([row, frames, code]) => {
      const expected: ErrorCode = code ?? 'protocol-error';
      let error: unknown;
      try {
        codec.decode(frames);
      } catch (thrown) {
        error = thrown;
      }
      expect(isSkeinError(error, expected), `${row}: ${String(error)}`).toBe(true);
      return { name: row, frames: frames.map(writeHex), code: expected, message: (error as Error).message };
    });
    const { path, text } = await fixture('refused', rows);
    await expect(text).toMatchFileSnapshot(path);
  });

  it('can be read out of the fixtures again', () => {
    const rows = readFixture('written') as readonly { readonly frames: readonly string[]; readonly envelopes: unknown }[];
    expect(rows.length).toBe(written.length);
    for (const { frames, envelopes } of rows) expect(show(codec.decode(frames.map(readHex)))).toEqual(envelopes);
  });

  it('that docs/protocol.md explains are the golden ones', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/protocol.md'), 'utf8');
    const golden = new Map(written.map(([row, , envelopes]) => [row, codec.encode(envelopes)[0] ?? new Uint8Array(0)]));
    const explained = [...page.matchAll(/^```text\n([a-z-]+)\n((?:[0-9a-f]{2}.*\n)+)```$/gm)].map(([, row = '', lines = '']) => {
      const bytes = lines.split('\n').map((line) => line.split(/ {2,}/)[0]?.replaceAll(' ', '') ?? '');
      return [row, bytes.join('')] as const;
    });
    expect(explained.length).toBeGreaterThanOrEqual(8);
    for (const [row, bytes] of explained) expect(bytes, row).toBe(writeHex(golden.get(row) ?? new Uint8Array(0)));
  });

  it('and the tables of docs/protocol.md agree on the heads', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/protocol.md'), 'utf8');
    const line = /^\| (\d+) `(\w+)` +\| (\d+)(?:, with \w+ (\d+))? +\| (?:both|D → L|L → D) +\| ([^|]*)\|/gm;
    const rows = [...page.matchAll(line)];
    expect(rows.map(([, kind, row]) => [row, Number(kind)])).toEqual(Object.entries(Kind));
    for (const [, kind, row, head, withMeta, fields = ''] of rows) {
      const count = fields.split(',').filter((field) => field.trim() !== '').length;
      expect(Number(withMeta ?? head), row).toBe(Number(kind) * 8 + count);
    }
  });
});
