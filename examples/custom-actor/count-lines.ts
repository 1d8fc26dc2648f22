import { open } from 'node:fs/promises';

/** How many lines a file has. Rejects if it cannot be read, or once the signal aborts. */
export const countLines = async (file: string, signal: AbortSignal): Promise<number> => {
  await using handle = await open(file);
  const lines = handle.readLines({ signal })[Symbol.asyncIterator]();
  let count = 0;
  while ((await lines.next()).done !== true) count += 1;
  return count;
};
