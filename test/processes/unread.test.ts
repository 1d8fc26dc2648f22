import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { describeWith } from '../needs.js';
import { end, startBuilt, stop } from '../run.js';

/** What a process prints, line by line. */
const linesOf = ({ stdout }: ReturnType<typeof startBuilt>): (() => Promise<string>) => {
  const line$ = createInterface(stdout)[Symbol.asyncIterator]();
  return async () => String((await line$.next()).value);
};

describeWith('zeromq', 'a process that reads nothing for a while', () => {
  it('survives the death of a peer that has filled all buffers to it', async () => {
    const receiver = startBuilt(['test/processes/unread.ts']);
    const received = linesOf(receiver);
    const sender = startBuilt(['test/processes/unread.ts', await received()]);
    const sent = linesOf(sender);
    try {
      expect(await received()).toBe('stands still');
      expect(await sent()).toBe('held back');
      await stop(sender);
      expect(await received()).toBe('goes on');
      expect(await received()).toBe('the wire ended');
      expect((await end(receiver)).code).toBe(0);
    } finally {
      await Promise.all([stop(sender), stop(receiver)]);
    }
  });
});
