import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../lib/operators/mailbox.js';
import { shareOut } from '../../lib/operators/share-out.js';

const boxOf = (values: string): Mailbox<string> => {
  const box = new Mailbox<string>({ max: 100 });
  for (const value of values) box.offer(value);
  return box;
};

const fill = (first: string, second: string, max: number): string => {
  const batch: string[] = [];
  shareOut(boxOf(first), boxOf(second)).fill(batch, max);
  return batch.join('');
};

describe('shareOut', () => {
  it('keeps a quarter of each batch for the second, where that has something', () => {
    expect(fill('aaaaaaaaaa', 'bbbbbbbbbb', 8)).toBe('aaaaaabb');
    expect(fill('aaaaaaaaaa', '', 8)).toBe('aaaaaaaa');
    expect(fill('a', 'bbbbbbbbbb', 8)).toBe('abbbbbbb');
    expect(fill('', 'bbb', 8)).toBe('bbb');
    expect(fill('aaaaaaaaaa', 'b', 8)).toBe('aaaaaab');
  });

  it('tells when either has something', () => {
    const [first, second] = [boxOf(''), boxOf('')];
    const both = shareOut(first, second);
    let told = 0;
    both.watch(() => (told += 1));
    expect(both.hasReady).toBe(false);
    second.offer('b');
    expect([both.hasReady, told]).toEqual([true, 1]);
    first.offer('a');
    expect(told).toBe(2);
  });
});
