import { describe, expect, it } from 'vitest';
import {
  type ErrorCode,
  type ErrorDetails,
  invalidArgument,
  isErrorCode,
  isSkeinError,
  type Ran,
  SkeinError,
} from '../../lib/core/errors.js';

/** Each code with an error's details, whether its work ran where nothing else is known, and what it says. */
const codes: { readonly [C in ErrorCode]: readonly [details: ErrorDetails[C], ran: Ran, says: string] } = {
  'invalid-target': [{ reason: 'the topic must not be empty' }, 'no', 'the topic must not be empty'],
  'invalid-argument': [
    { issues: [{ message: 'must be a string', path: ['a', { key: 0 }] }, { message: 'is too long' }] },
    'no',
    'a.0: must be a string; is too long',
  ],
  'no-server': [{ topic: 'compute' }, 'no', 'no server answers compute'],
  'no-such-method': [{ method: 'boot' }, 'no', 'the server has no method boot'],
  'unsupported-version': [{ wanted: '2.0', served: ['1.0', '1.1'] }, 'no', '2.0 is wanted, and what is served is 1.0, 1.1'],
  'version-cap': [{ wanted: '1.3', cap: '1.2' }, 'no', '1.3 lies above the cap 1.2'],
  'deadline-exceeded': [{ timeoutMs: 100.4 }, 'unknown', 'no answer within 100 ms'],
  'peer-silent': [{ silenceMs: 3_000 }, 'unknown', 'the peer said nothing for 3000 ms'],
  'link-lost': [{ peer: 'tcp://127.0.0.1:1' }, 'unknown', 'the link to tcp://127.0.0.1:1 was lost before an answer came'],
  undeliverable: [{ reason: 'nobody listens there' }, 'no', 'nobody listens there'],
  overloaded: [{ retryAfterMs: undefined }, 'no', 'more is waiting than may wait'],
  cancelled: [{ reason: new Error('not needed') }, 'unknown', 'not needed'],
  unauthenticated: [{ peer: 'api' }, 'no', 'api did not prove who it is'],
  forbidden: [{ rule: 'deny all' }, 'no', 'forbidden by deny all'],
  'payload-too-large': [{ bytes: 3, bytesMax: 2 }, 'no', '3 bytes are more than the 2 allowed'],
  'protocol-error': [{ reason: 'a record that is cut short' }, 'no', 'a record that is cut short'],
  closed: [{ what: 'the node' }, 'no', 'the node is closed'],
  'remote-error': [{ name: 'TypeError', code: undefined, details: undefined }, 'yes', 'the handler failed with TypeError'],
};

describe('SkeinError', () => {
  it.each(Object.entries(codes) as [ErrorCode, (typeof codes)[ErrorCode]][])(
    '%s says what it is and whether the work ran',
    (code, row) => {
      const [details, ran, says] = row;
      const error = new SkeinError<ErrorCode>(code, details);
      expect(error).toMatchObject({ code, details, ran, message: `[${code}] ${says}`, name: 'SkeinError' });
      expect(String(error)).toBe(`SkeinError: [${code}] ${says}`);
      expect(error).toBeInstanceOf(Error);
      expect(isSkeinError(error)).toBe(true);
      expect(isSkeinError(error, code)).toBe(true);
      expect(isErrorCode(code)).toBe(true);
    },
  );

  it('takes another message, another outcome and a cause', () => {
    const cause = new Error('beneath');
    const error = new SkeinError('cancelled', { reason: 'late' }, { message: 'before it was sent', ran: 'no', cause });
    expect(error).toMatchObject({ message: '[cancelled] before it was sent', ran: 'no', cause });
    expect(new SkeinError('cancelled', { reason: 'late' }).message).toBe('[cancelled] cancelled by the caller');
  });
});

describe('isSkeinError', () => {
  it('tells codes apart, and our errors from others', () => {
    const error: unknown = new SkeinError('closed', { what: 'the node' });
    expect(isSkeinError(error, 'closed', 'overloaded')).toBe(true);
    expect(isSkeinError(error, 'overloaded')).toBe(false);
    expect([new Error('[closed] x'), { code: 'closed' }, 'closed', undefined].some((other) => isSkeinError(other))).toBe(false);
  });
});

describe('isErrorCode', () => {
  it('knows the closed set of codes, and nothing that objects have besides', () => {
    expect(['toString', '__proto__', 'constructor', 'Closed', '', 7, null].some(isErrorCode)).toBe(false);
  });
});

describe('invalidArgument', () => {
  it('is one error that lists every problem', () => {
    expect(invalidArgument('a is missing', 'b is negative').message).toBe('[invalid-argument] a is missing; b is negative');
  });
});
