import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../lib/operators/mailbox.js';
import { oneAfterAnother } from '../../lib/operators/one-after-another.js';

const setUp = () => {
  const [first, second] = [new Mailbox<string>({ max: 10 }), new Mailbox<string>({ max: 10 })];
  const outlet = oneAfterAnother(first, second);
  const fill = (max: number): string[] => {
    const batch: string[] = [];
    outlet.fill(batch, max);
    return batch;
  };
  return { first, second, outlet, fill };
};

describe('oneAfterAnother', () => {
  it('lets what waits at an earlier outlet leave first, each in its order', () => {
    const { first, second, fill } = setUp();
    second.offer('c');
    first.offer('a');
    second.offer('d');
    first.offer('b');
    expect(fill(10)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('fills no more than a batch holds, over all of them', () => {
    const { first, second, fill } = setUp();
    for (const value of ['a', 'b']) first.offer(value);
    for (const value of ['c', 'd']) second.offer(value);
    expect([fill(3), fill(3), fill(3)]).toEqual([['a', 'b', 'c'], ['d'], []]);
  });

  it('is ready as long as one of them is, and tells when one comes to be', () => {
    const { first, second, outlet, fill } = setUp();
    let told = 0;
    outlet.watch(() => (told += 1));
    expect(outlet.hasReady).toBe(false);
    second.offer('a');
    expect([outlet.hasReady, told]).toEqual([true, 1]);
    fill(1);
    expect(outlet.hasReady).toBe(false);
    first.offer('b');
    expect([outlet.hasReady, told]).toEqual([true, 2]);
  });
});
