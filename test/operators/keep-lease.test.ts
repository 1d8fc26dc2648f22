import { defer, NEVER } from 'rxjs';
import { describe, it } from 'vitest';
import { keepLease, type Lease } from '../../lib/operators/keep-lease.js';
import { marbles } from '../../lib/testing.js';

const leases: Readonly<Record<string, Lease>> = { m: 'made', r: 'renewed', l: 'lost' };

describe('keepLease', () => {
  it('renews three times within a lease, and tells only when it was made', () =>
    marbles(({ cold, expectObservable, clock }) => {
      const attempts = ['(m|)', '(r|)', '(r|)', '(m|)'];
      const until = '   ^----------!';
      const expected = 'm--------m--';
      const attempt = () => cold(attempts.shift() ?? '|', leases);
      expectObservable(keepLease(attempt, { leaseMs: 9, clock }), until).toBe(expected, { m: 'made' });
    }));

  it('counts the time between attempts from the end of each', () =>
    marbles(({ cold, expectObservable, clock }) => {
      const attempts = ['--(m|)', '--(m|)'];
      const until = '   ^-------!';
      const expected = '--m----m-';
      const attempt = () => cold(attempts.shift() ?? '|', leases);
      expectObservable(keepLease(attempt, { leaseMs: 9, clock }), until).toBe(expected, { m: 'made' });
    }));

  it('completes when the lease is lost, and tries no more', () =>
    marbles(({ cold, expectObservable, clock }) => {
      const attempts = ['(m|)', '(r|)', '(l|)', '(m|)'];
      const expected = 'm-----|';
      const attempt = () => cold(attempts.shift() ?? '#', leases);
      expectObservable(keepLease(attempt, { leaseMs: 9, clock })).toBe(expected, { m: 'made' });
    }));

  it('errors when an attempt does', () =>
    marbles(({ cold, expectObservable, clock }) => {
      const attempts = ['(m|)', '1ms #broken'];
      const expected = 'm 4ms #broken';
      const attempt = () => cold(attempts.shift() ?? '|', leases);
      expectObservable(keepLease(attempt, { leaseMs: 9, clock })).toBe(expected, { m: 'made' });
    }));

  it('ends an attempt that is under way when it is unsubscribed', () =>
    marbles(({ cold, expectObservable, expectSubscriptions, clock }) => {
      const attempt = cold<Lease>('-----(m|)');
      expectObservable(
        keepLease(() => attempt, { leaseMs: 9, clock }),
        '^--!',
      ).toBe('----');
      expectSubscriptions(attempt).toBe('^--!');
      expectObservable(
        keepLease(() => defer(() => NEVER), { leaseMs: 9, clock }),
        '^-!',
      ).toBe('---');
    }));
});
