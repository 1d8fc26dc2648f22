import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readError, writeError, writeThrown } from '../../lib/core/error-record.js';
import { type ErrorCode, isSkeinError, SkeinError } from '../../lib/core/errors.js';
import { Kind } from '../../lib/core/envelope.js';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';

const codec = new MsgpackrCodec();

/** The error as the other side gets it, over the wire. */
const travelled = (record: Parameters<typeof readError>[0]): SkeinError => {
  const [envelope] = codec.decode(codec.encode([{ kind: Kind.error, id: 1, error: record }]));
  if (envelope?.kind !== Kind.error) throw new Error('it did not arrive');
  return readError(envelope.error);
};

describe('writeError and readError', () => {
  it('carry an error of ours with its code, message, details and outcome', () => {
    const errors = [
      new SkeinError('overloaded', { retryAfterMs: 20 }),
      new SkeinError('no-such-method', { method: 'boot' }),
      new SkeinError('unsupported-version', { wanted: '2', served: ['1.0'] }),
      new SkeinError('invalid-argument', { issues: [{ message: 'must be text', path: ['a', 0] }] }),
      new SkeinError('closed', { what: 'server a' }, { message: 'server a is closed just now' }),
    ];
    for (const error of errors) {
      const { code, message, details, ran } = error;
      expect(travelled(writeError(error))).toMatchObject({ code, message, details, ran });
    }
  });

  it('keep the message as it is, be it as long and as strange as it likes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (reason) => {
        const error = new SkeinError('protocol-error', { reason });
        expect(travelled(writeError(error)).message).toBe(error.message);
      }),
    );
  });

  it('give details of the least shape where the other side sent none', () => {
    const read = (code: ErrorCode): unknown => readError({ code, message: 'no' }).details;
    expect(read('invalid-argument')).toMatchObject({ issues: [] });
    expect(read('unsupported-version')).toMatchObject({ wanted: '', served: [] });
    expect(read('undeliverable')).toMatchObject({ reason: 'no' });
    expect(readError({ code: 'overloaded', message: 'no', details: 'strange' }).details).toMatchObject({ reason: 'no' });
  });

  it('make a protocol-error that names it of a code that is unknown', () => {
    const error = readError({ code: 'out-of-geese', message: 'all have left' });
    expect(error).toMatchObject({ code: 'protocol-error', ran: 'unknown' });
    expect(error.message).toBe('[protocol-error] the peer failed with an unknown code, out-of-geese: all have left');
    expect(isSkeinError(readError({ code: 'toString', message: '' }), 'protocol-error')).toBe(true);
  });
});

describe('writeThrown and readError', () => {
  class DiskError extends Error {
    override readonly name = 'DiskError';
    readonly code = 'ENOSPC';
    readonly details = { free: 0 };
  }

  it('carry what a handler threw, with its name, message, code and details', () => {
    const error = travelled(writeThrown(new DiskError('the disk is full'), false));
    expect(error).toMatchObject({
      code: 'remote-error',
      ran: 'yes',
      message: '[remote-error] DiskError: the disk is full',
      details: { name: 'DiskError', code: 'ENOSPC', details: { free: 0 } },
      cause: undefined,
    });
  });

  it('carry the chain of causes', () => {
    const thrown = new TypeError('top', { cause: new DiskError('middle', { cause: 'bottom' }) });
    const error = travelled(writeThrown(thrown, false));
    expect(error.message).toBe('[remote-error] TypeError: top');
    const middle = error.cause as SkeinError<'remote-error'>;
    expect(middle).toMatchObject({ message: '[remote-error] DiskError: middle', details: { code: 'ENOSPC' } });
    expect(middle.cause).toMatchObject({ message: '[remote-error] Error: bottom', cause: undefined });
  });

  it('carry no more than nine links of a chain that has no end', () => {
    const thrown = new Error('round');
    thrown.cause = thrown;
    let depth = 0;
    for (let error: unknown = travelled(writeThrown(thrown, false)); error; error = (error as Error).cause) depth += 1;
    expect(depth).toBe(9);
  });

  it('carry the stack only where they are told to', () => {
    const thrown = new Error('deep inside', { cause: new Error('deeper') });
    const without = travelled(writeThrown(thrown, false));
    expect(without.stack).not.toContain('on the server');
    expect(JSON.stringify(writeThrown(thrown, false))).not.toContain('error-record.test');
    const given = travelled(writeThrown(thrown, true));
    expect(given.stack).toMatch(
      /^\[remote-error\] Error: deep inside\n {4}on the server: Error: deep inside\n {4}at .*error-record\.test/,
    );
  });

  it('carry what is thrown and is no error', () => {
    for (const [thrown, says] of [
      ['text', 'text'],
      [7, '7'],
      [undefined, 'undefined'],
      [null, 'null'],
    ] as const) {
      expect(travelled(writeThrown(thrown, false)).message).toBe(`[remote-error] Error: ${says}`);
    }
  });

  it('carry one of our own errors, thrown on from a nested call, as what the handler failed with', () => {
    const thrown = new SkeinError('no-server', { topic: 'disk' });
    expect(travelled(writeThrown(thrown, false))).toMatchObject({
      code: 'remote-error',
      ran: 'yes',
      message: '[remote-error] SkeinError: [no-server] no server answers disk',
      details: { name: 'SkeinError', code: 'no-server', details: { topic: 'disk' } },
    });
  });
});
