import { writeFile } from 'node:fs/promises';
import type { Outcome } from './hash-all.js';
import type { Options } from './options.js';
import { formatSum, showPath, type Sum } from './sums.js';
import type { Problem } from './walk.js';

/** All that is known at the end. */
export interface Result {
  readonly outcomes: readonly Outcome[];
  /** Folders that could not be read. */
  readonly problems: readonly Problem[];
  /** What is no regular file. */
  readonly others: number;
  readonly seconds: number;
  /** Workers that ended before the work was done. */
  readonly ended: readonly string[];
}

type Hash = Extract<Outcome, { readonly sha256: string }>;

/** Writes the result where it is wanted, says on stderr how it went, and gives the exit code. */
export const report = async ({ outcomes, ended, ...result }: Result, options: Options): Promise<number> => {
  const hashes = outcomes.filter((outcome): outcome is Hash => 'sha256' in outcome);
  const problems = [...outcomes.filter((outcome): outcome is Outcome & Problem => 'problem' in outcome), ...result.problems];
  await writeSums(hashes, options.out);

  const bytes = hashes.reduce((sum, hash) => sum + hash.bytes, 0);
  const workers: Record<string, number> = {};
  for (const { worker } of hashes) workers[worker] = (workers[worker] ?? 0) + 1;
  const summary = { files: hashes.length, bytes, seconds: result.seconds, workers };
  for (const how of ended) console.error(`${how}; the others took over`);
  for (const { path, problem } of problems) console.error(`${showPath(path)}: ${problem}`);
  console.error(sayTotals(summary, problems.length, result.others));
  if (options.json) {
    const named = problems.map(({ path, problem }) => ({ path: showPath(path), problem }));
    console.log(JSON.stringify({ folder: options.folder, ...summary, others: result.others, problems: named }));
  }
  return problems.length === 0 ? 0 : 1;
};

const writeSums = async (sums: readonly Sum[], out: string | undefined): Promise<void> => {
  const text = Buffer.concat([...sums].sort((a, b) => a.path.compare(b.path)).map(formatSum));
  if (out === undefined) process.stdout.write(text);
  else await writeFile(out, text);
};

interface Totals {
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly workers: Readonly<Record<string, number>>;
}

const sayTotals = ({ files, bytes, seconds, workers }: Totals, problems: number, others: number): string => {
  const by = Object.entries(workers)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([worker, count]) => `${worker} ${String(count)}`);
  return [
    `${String(files)} files with ${String(bytes)} bytes hashed in ${seconds.toFixed(1)} s`,
    ...(by.length > 0 ? [`by ${by.join(', ')}`] : []),
    ...(problems > 0 ? [`${String(problems)} could not be read`] : []),
    ...(others > 0 ? [`${String(others)} left out, which are links or no files`] : []),
  ].join('; ');
};
