import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { project } from './project.js';

export interface Options {
  /** The order file. */
  readonly file: string;
  readonly json: boolean;
}

/** The command line says what cannot be done. */
export class UsageError extends Error {}

export const usage = `Usage: npm start -- [FILE] [--json]

Starts a small cloud on this host: one api, two schedulers and three computes,
each a process of its own. It carries out the orders of FILE, one a line:

  {"id": "hash-1", "command": ["sha256sum", "package.json"]}

On the way one compute is killed and one scheduler is replaced. Commands run in
the project's folder, without a shell. Without FILE: examples/cloud/orders.jsonl.

  --json  print a summary as JSON on the last line
  --help  print this

Exit code: 0 if every order was done once and well, 1 if not, 2 if the command
line or the file is wrong, 130 if interrupted.
`;

const ownFile = join(project, 'examples/cloud/orders.jsonl');

/** Throws a {@link UsageError}; undefined where help is all that is asked for. */
export const readOptions = (args: readonly string[]): Options | undefined => {
  const { values, positionals } = parse(args);
  if (values.help === true) return undefined;
  if (positionals.length > 1) throw new UsageError(`name one file, not ${String(positionals.length)}`);
  const [file] = positionals;
  return { file: file === undefined ? ownFile : resolve(file), json: values.json ?? false };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};
