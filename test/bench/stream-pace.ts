import { isWhole } from './fanout-pace.js';
import type { Figures, Role } from './messages.js';

/** Counts the items of one stream, each looked at, for so many seconds; `open` gives back what ends it. */
export const streamFor = (
  seconds: number,
  role: Role,
  open: (take: (item: Uint8Array) => void, fail: (error: unknown) => void) => () => void,
): Promise<Figures> =>
  new Promise((resolve, reject) => {
    let taken = 0;
    let startedAt = 0;
    let timer: NodeJS.Timeout | undefined;
    const end = (): void => {
      const opsPerSecond = taken / ((performance.now() - startedAt) / 1_000);
      close();
      resolve({ opsPerSecond, p50Us: 0, p99Us: 0 });
    };
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const close = open((item) => {
      // How long it takes until the first one is there says nothing of the stream.
      if (timer === undefined) {
        startedAt = performance.now();
        timer = setTimeout(end, seconds * 1_000);
      } else if (isWhole(item, role)) taken += 1;
      else fail(new Error('an item came damaged'));
    }, fail);
  });
