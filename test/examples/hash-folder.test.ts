import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNode } from 'skein';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Hasher } from '../../examples/hash-folder/contract.js';
import { readOptions, UsageError } from '../../examples/hash-folder/options.js';
import { end, run, runBuilt, runTs, startBuilt, stop, temporary } from '../run.js';

// Each run starts four processes.
vi.setConfig({ testTimeout: 60_000 });

const program = 'examples/hash-folder/main.ts';

interface Summary {
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly others: number;
  readonly workers: Readonly<Record<string, number>>;
  readonly problems: readonly unknown[];
}

const everyFile = 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum --';

/** What the real thing says of a folder, in the order of the names. */
const sha256sum = (folder: string): Buffer => execFileSync('bash', ['-c', everyFile, 'bash', folder]);

const oddNames = [
  'plain',
  'with space',
  '  two  ',
  'new\nline',
  'cr\rname',
  'back\\slash',
  '-',
  '--out',
  '*',
  '"\'$(x)`',
  'é漢🦢',
  '.hidden',
].map((name) => Buffer.from(name));

let place: ReturnType<typeof temporary>;
let folder: string;

beforeAll(() => {
  place = temporary();
  folder = join(place.path, 'odd names');
  mkdirSync(join(folder, 'sub/empty'), { recursive: true });
  for (const name of [...oddNames, Buffer.from([0x62, 0xff, 0xfe])]) {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), name);
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/sub/`), name]), '');
  }
  writeFileSync(join(folder, 'large'), Buffer.alloc(3_000_001, 'skein'));
  symlinkSync('plain', join(folder, 'link'));
  symlinkSync('nowhere', join(folder, 'broken'));
  symlinkSync('..', join(folder, 'sub/up'));
  execFileSync('bash', ['-c', 'mkfifo "$1"', 'bash', join(folder, 'pipe')]);
});

afterAll(() => {
  place[Symbol.dispose]();
});

it('prints what sha256sum prints, whatever the names', async () => {
  const hashed = await runTs([program, folder], place);
  expect(hashed.code).toBe(0);
  expect(hashed.bytes.equals(sha256sum(folder))).toBe(true);
  expect(hashed.stderr).toMatch(/^0 of 27 files, 0\.0 MiB$/m);
  expect(hashed.stderr).toMatch(/^27 files with \d+ bytes hashed in .* s; by .*; 4 left out, which are links or no files$/m);
});

it('writes a file that sha256sum can check, and a summary for machines', async () => {
  const out = join(place.path, 'sums');
  const { code, stdout } = await runBuilt([program, folder, '--out', out, '--json'], place);
  expect(code).toBe(0);
  expect(await run('sha256sum', ['--check', '--quiet', '--strict', out])).toMatchObject({ code: 0, stdout: '' });
  const summary = JSON.parse(stdout.trim().split('\n').at(-1)!) as Summary;
  expect(summary).toMatchObject({ folder, files: 27, others: 4, problems: [] });
  expect(Object.keys(summary.workers).sort()).toEqual(['worker-1', 'worker-2', 'worker-3']);
  expect(Object.values(summary.workers).reduce((sum, count) => sum + count)).toBe(27);
  expect(readFileSync(out).equals(sha256sum(folder))).toBe(true);
});

it('hashes the project itself, without what is made from it, where no folder is named', async () => {
  const { code, stdout } = await runBuilt([program], place);
  expect(code).toBe(0);
  expect(stdout).toContain('  ./lib/index.ts\n');
  expect(stdout).not.toMatch(/ \.\/(?:node_modules|\.git|dist|\.cache)\//);
});

it('lists what cannot be read at the end, hashes the rest, and exits with 1', async () => {
  using deep = temporary();
  writeFileSync(join(deep.path, 'readable'), 'x');
  // Deeper than a path can say, which not even root can read by its whole path.
  const nest = 'for i in {1..20}; do mkdir "$1"; cd "$1"; done';
  execFileSync('bash', ['-c', nest, 'bash', 'd'.repeat(250)], { cwd: deep.path });
  try {
    const { code, stdout, stderr } = await runBuilt([program, deep.path], place);
    expect(stdout).toMatch(/^[0-9a-f]{64} {2}.*\/readable\n$/);
    expect(stderr).toMatch(/\/d{250}: ENAMETOOLONG: name too long\n1 files with 1 bytes hashed .*; 1 could not be read\n$/);
    expect(code).toBe(1);
  } finally {
    execFileSync('rm', ['-rf', deep.path]);
  }
});

it('gets an answer for a file that vanished, and for what is no file', async () => {
  const url = `zmq+local://${place.path}/meet`;
  const env = { ...place.env, SKEIN_URL: url, SKEIN_NAME: 'w' };
  // It ends with its standard input.
  const worker = startBuilt(['examples/hash-folder/worker.ts'], { env, stdin: 'pipe' });
  try {
    await once(worker.stdout, 'data');
    await using node = await createNode(url);
    const hasher = node.client(Hasher, { timeoutMs: 10_000 });
    const [vanished, directory] = [Buffer.from(join(folder, 'vanished')), Buffer.from(folder)];
    expect(await hasher.hash(vanished)).toEqual({ problem: 'ENOENT: no such file or directory' });
    expect(await hasher.hash(directory)).toEqual({ problem: 'EISDIR: illegal operation on a directory' });
  } finally {
    await stop(worker);
  }
});

it('refuses a command line that makes no sense, and says what to do', async () => {
  const { code, stdout, stderr } = await runBuilt([program, '/no/such/folder'], place);
  expect(stderr).toMatch(/^\/no\/such\/folder cannot be read \(ENOENT: no such file or directory\): name a folder that exists\n/);
  expect(stderr).toContain('Usage: npx tsx examples/hash-folder/main.ts');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

it.each([
  [['package.json'], /package\.json is no folder: name the folder that it is in$/],
  [['--nothing'], /^Unknown option '--nothing'/],
  [['lib', 'test'], /^name one folder, not 2$/],
  [['lib', '--out', '/no/such/folder/sums'], /^\/no\/such\/folder\/sums cannot be written \(ENOENT: .*\): name another file$/],
  [['lib', '--out', 'test'], /\/test is a folder: name a file$/],
])('does not take %j', async (args, message) => {
  await expect(readOptions(args)).rejects.toThrow(message);
  await expect(readOptions(args)).rejects.toBeInstanceOf(UsageError);
});

/** Files that are large without taking room. */
const makeLarge = (path: string, count: number, bytes: number): void => {
  mkdirSync(path);
  for (let i = 0; i < count; i += 1) {
    writeFileSync(join(path, String(i)), '');
    truncateSync(join(path, String(i)), bytes);
  }
};

const workersOf = ({ pid }: ChildProcess): number[] =>
  execFileSync('pgrep', ['-P', String(pid), '-f', 'hash-folder/worker'])
    .toString()
    .trim()
    .split('\n')
    .map(Number);

const isRunning = (pid: number): boolean => existsSync(`/proc/${String(pid)}`);

it('goes on with the other workers where one is killed', async () => {
  using slow = temporary();
  const large = join(slow.path, 'large');
  makeLarge(large, 12, 32 * 2 ** 20);
  const child = startBuilt([program, large], slow);
  await once(child.stderr, 'data');
  process.kill(workersOf(child)[0]!, 'SIGKILL');
  const { code, bytes, stderr } = await end(child);
  expect(stderr).toContain('worker-1 ended with SIGKILL; the others took over\n');
  expect(code).toBe(0);
  expect(bytes.equals(sha256sum(large))).toBe(true);
});

it.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing behind when it is stopped by %s', async (signal) => {
  using slow = temporary();
  makeLarge(join(slow.path, 'large'), 6, 64 * 2 ** 30);
  const child = startBuilt([program, join(slow.path, 'large')], slow);
  await once(child.stderr, 'data');
  const workers = workersOf(child);
  child.kill(signal);
  const { code, stdout, stderr } = await end(child);
  expect({ code, stdout }).toEqual({ code: signal === 'SIGINT' ? 130 : 143, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^stopped by ${signal}$`, 'm'));
  expect(workers).toHaveLength(3);
  expect(workers.filter(isRunning)).toEqual([]);
  expect(readdirSync(slow.path).filter((name) => name.startsWith('skein-hash'))).toEqual([]);
});

it('takes its workers along even when it is killed', async () => {
  using slow = temporary();
  makeLarge(join(slow.path, 'large'), 6, 64 * 2 ** 30);
  const child = startBuilt([program, join(slow.path, 'large')], slow);
  await once(child.stderr, 'data');
  const workers = workersOf(child);
  await stop(child);
  await expect.poll(() => workers.filter(isRunning), { timeout: 10_000 }).toEqual([]);
});

it('ends with a message when all workers are gone', async () => {
  using slow = temporary();
  makeLarge(join(slow.path, 'large'), 6, 64 * 2 ** 30);
  const child = startBuilt([program, join(slow.path, 'large')], slow);
  await once(child.stderr, 'data');
  for (const pid of workersOf(child)) process.kill(pid, 'SIGKILL');
  const { code, stdout, stderr } = await end(child);
  expect(stderr).toMatch(/^all workers ended before the work was done$/m);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
});
