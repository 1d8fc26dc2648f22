import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { whatWentWrong } from './problem.js';

/** Something that could not be read, and why. */
export interface Problem {
  readonly path: Buffer;
  readonly problem: string;
}

export interface Found {
  /** Every regular file below the folder, in the order of their bytes; paths begin with the folder, as it was given. */
  readonly files: readonly Buffer[];
  /** Symbolic links, pipes, sockets and devices: they are neither followed nor read. */
  readonly others: number;
  readonly problems: readonly Problem[];
}

const slash = Buffer.from('/');

export const join = (folder: Buffer, name: Buffer): Buffer =>
  Buffer.concat(folder.at(-1) === slash[0] ? [folder, name] : [folder, slash, name]);

/** Finds all files below a folder, but for what lies in folders of the names in `without`. Rejects where the folder itself cannot be read. */
export const walk = async (folder: Buffer, without: ReadonlySet<string>, signal: AbortSignal): Promise<Found> => {
  const files: Buffer[] = [];
  const problems: Problem[] = [];
  let others = 0;
  const folders: Buffer[] = [];
  const sort = (parent: Buffer, entries: readonly Dirent<Buffer>[]): void => {
    for (const entry of entries) {
      const path = join(parent, entry.name);
      if (entry.isFile()) files.push(path);
      else if (!entry.isDirectory()) others += 1;
      else if (!without.has(entry.name.toString())) folders.push(path);
    }
  };
  sort(folder, await entriesOf(folder));
  for (let next = folders.pop(); next; next = folders.pop()) {
    signal.throwIfAborted();
    try {
      sort(next, await entriesOf(next));
    } catch (error) {
      problems.push({ path: next, problem: whatWentWrong(error) });
    }
  }
  return { files: files.sort((a, b) => a.compare(b)), others, problems };
};

const entriesOf = (folder: Buffer): Promise<Dirent<Buffer>[]> => readdir(folder, { withFileTypes: true, encoding: 'buffer' });
