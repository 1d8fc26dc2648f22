import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { whatWentWrong } from './problem.js';

export interface Options {
  readonly folder: string;
  /** Folders of these names are left out. */
  readonly without: ReadonlySet<string>;
  readonly out: string | undefined;
  readonly json: boolean;
}

/** The command line says what cannot be done. */
export class UsageError extends Error {}

export const usage = `Usage: npx tsx examples/hash-folder/main.ts [FOLDER] [--out FILE] [--json]

Hashes all files below FOLDER with three worker processes, and prints what
"find FOLDER -type f -exec sha256sum {} +" would, in the order of the names.
Without FOLDER: this project's own files. Links, pipes, sockets and devices are
left out; what cannot be read, or vanished meanwhile, is listed at the end.
Names are escaped as sha256sum of coreutils 9 does, and need not be UTF-8.

  --out FILE  write the result to FILE instead of printing it
  --json      print a summary as JSON on the last line
  --help      print this

Exit code: 0 if all is well, 1 if a file could not be read or the workers ended,
2 if the command line is wrong, 130 if interrupted.
`;

const project = dirname(fileURLToPath(import.meta.resolve('skein/package.json')));

/** What is made from the project's own files, or comes from elsewhere. */
const notOwn = new Set(['node_modules', '.git', 'dist', 'coverage', '.cache', '.tmp']);

/** Rejects with a {@link UsageError}; undefined where help is all that is asked for. */
export const readOptions = async (args: readonly string[]): Promise<Options | undefined> => {
  const { values, positionals } = parse(args);
  if (values.help === true) return undefined;
  if (positionals.length > 1) throw new UsageError(`name one folder, not ${String(positionals.length)}`);
  const [folder] = positionals;
  if (folder !== undefined) await checkFolder(folder);
  if (values.out !== undefined) await checkOut(values.out);
  return {
    folder: folder ?? (relative('', project) || '.'),
    without: folder === undefined ? notOwn : new Set(),
    out: values.out,
    json: values.json ?? false,
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: { out: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError(whatWentWrong(error));
  }
};

const checkFolder = async (folder: string): Promise<void> => {
  const found = await stat(folder).catch((error: unknown) => {
    throw new UsageError(`${resolve(folder)} cannot be read (${whatWentWrong(error)}): name a folder that exists`);
  });
  if (!found.isDirectory()) throw new UsageError(`${resolve(folder)} is no folder: name the folder that it is in`);
};

/** Found out now rather than when all is hashed. */
const checkOut = async (out: string): Promise<void> => {
  const there = await stat(out).catch(() => undefined);
  if (there?.isDirectory()) throw new UsageError(`${resolve(out)} is a folder: name a file`);
  await access(there ? out : dirname(resolve(out)), constants.W_OK).catch((error: unknown) => {
    throw new UsageError(`${resolve(out)} cannot be written (${whatWentWrong(error)}): name another file`);
  });
};
