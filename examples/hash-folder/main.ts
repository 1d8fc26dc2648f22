import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createNode } from 'skein';
import { hashAll } from './hash-all.js';
import { type Options, readOptions, usage, UsageError } from './options.js';
import { whatWentWrong } from './problem.js';
import { showProgress } from './progress.js';
import { report, type Result } from './report.js';
import { walk } from './walk.js';
import { startWorkers } from './workers.js';

const names = ['worker-1', 'worker-2', 'worker-3'];

/** Gives the exit code. */
const main = async (args: readonly string[], signal: AbortSignal): Promise<number> => {
  const options = await readOptions(args);
  if (options) return report(await hashFolder(options, signal), options);
  process.stdout.write(usage);
  return 0;
};

/** The workers and this process meet in a folder that nobody else knows, so that several runs do not mix. */
const hashFolder = async (options: Options, signal: AbortSignal): Promise<Result> => {
  const startedAt = performance.now();
  const { files, ...found } = await walk(Buffer.from(options.folder), options.without, signal);
  const place = await mkdtemp(join(tmpdir(), 'skein-hash-'));
  const ended: string[] = [];
  try {
    const url = pathToFileURL(place).href.replace('file:', 'zmq+local:');
    await using workers = await startWorkers(names, url, signal);
    await using node = await createNode(url);
    using progress = showProgress(files.length);
    workers.ended$.subscribe((how) => ended.push(how));
    const outcomes = await hashAll(files, { node, workers, progress, signal });
    return { outcomes, ...found, ended: [...ended], seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

const interrupt = new AbortController();
for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  // The second time it ends the process as if there was no handler.
  process.once(name, () => {
    process.exitCode = code;
    interrupt.abort(new Error(`stopped by ${name}`));
  });
}
// Whoever reads the result may stop reading, as `head` does.
process.stdout.on('error', () => {
  process.exit(1);
});

try {
  process.exitCode = await main(process.argv.slice(2), interrupt.signal);
} catch (error) {
  console.error(error instanceof UsageError ? `${error.message}\n\n${usage}` : whatWentWrong(error));
  process.exitCode ??= error instanceof UsageError ? 2 : 1;
}
