import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join, relative } from 'node:path';
import { text } from 'node:stream/consumers';
import { createNode } from 'skein';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Api, Compute, type Result, Scheduler } from '../../examples/cloud/contracts.js';
import { OrderFileError, readOrders } from '../../examples/cloud/orders.js';
import { recount } from '../../examples/cloud/results.js';
import type { Summary } from '../../examples/cloud/summary.js';
import { skein, startSkein } from '../cli/skein.js';
import { root, run, runBuilt, runTs, startBuilt, stop, temporary } from '../run.js';

// A cloud is eight processes, and one more for each order.
vi.setConfig({ testTimeout: 120_000 });

const program = 'examples/cloud/main.ts';
const ownOrders = join(root, 'examples/cloud/orders.jsonl');

let place: ReturnType<typeof temporary>;

beforeAll(() => {
  place = temporary();
});

afterAll(() => {
  place[Symbol.dispose]();
});

const writeOrders = (name: string, lines: readonly string[]): string => {
  const file = join(place.path, name);
  writeFileSync(file, lines.join('\n'));
  return file;
};

const firstOrders = (count: number): readonly string[] => readFileSync(ownOrders, 'utf8').split('\n').slice(0, count);

const sleepy = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, number) => JSON.stringify({ id: `sleep-${String(number)}`, command: ['sleep', '600'] }));

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

/** All that run; who ended may still be there for its parent to ask how, and is left out. */
const processes = (): readonly Process[] =>
  execFileSync('ps', ['-e', '-o', 'pid=,ppid=,state=,comm='])
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([pid, parent, state, name = '']) => (state === 'Z' ? [] : { pid: Number(pid), parent: Number(parent), name }));

/** A process' children, and theirs. */
const descendants = (pid: number, all = processes()): readonly Process[] =>
  all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...descendants(child.pid, all)]);

const running = (pids: readonly number[]): readonly number[] => {
  const all = new Set(processes().map(({ pid }) => pid));
  return pids.filter((pid) => all.has(pid));
};

it('carries out all orders once though a compute is killed and a scheduler is replaced', async () => {
  const file = writeOrders('forty.jsonl', firstOrders(40));
  const { code, stdout, stderr } = await runTs([program, file, '--json'], place);
  expect(stderr).toMatch(/^\d+ orders are done: compute-\d is killed, with all that it runs$/m);
  expect(stderr).toMatch(/^\d+ orders are done: scheduler-1 is replaced$/m);
  expect(stderr).toMatch(
    /^scheduler-3 serves: scheduler-1 finishes what it has begun, and ends\n(?:.*\n)*scheduler-1 has ended$/m,
  );
  const summary = JSON.parse(stdout.trim().split('\n').at(-1)!) as Summary;
  expect(Object.keys(summary).join()).toBe('orders,done,lost,doubled,killed,placements,retries,p50Ms,p99Ms,results');
  expect(summary).toMatchObject({ orders: 40, done: 40, lost: 0, doubled: 0, killed: 1 });
  expect(summary.retries).toBeGreaterThan(0);
  expect(summary.placements).toBe(40 + summary.retries);
  expect(summary.p50Ms).toBeGreaterThan(0);
  expect(summary.p99Ms).toBeGreaterThanOrEqual(summary.p50Ms);
  expect(code).toBe(0);

  const orders = await readOrders(file);
  expect(readdirSync(summary.results).sort()).toEqual(orders.map(({ id }) => `${id}.json`).sort());
  expect(readdirSync(join(summary.results, '../doubled'))).toEqual([]);
  expect(readdirSync(join(summary.results, '..')).sort()).toEqual(['attempts', 'doubled', 'results', 'revoked']);
  const sums = readdirSync(summary.results).flatMap((name) => {
    const result = JSON.parse(readFileSync(join(summary.results, name), 'utf8')) as Result & {
      readonly command: readonly string[];
    };
    return result.command[0] === 'sha256sum' ? result.output : [];
  });
  expect(sums.length).toBeGreaterThan(10);
  writeFileSync(join(place.path, 'sums'), `${sums.join('\n')}\n`);
  expect(await run('sha256sum', ['--check', '--quiet', join(place.path, 'sums')])).toMatchObject({ code: 0, stdout: '' });
});

it('has its trouble with a single order, too, that is done before anything is seen to run', async () => {
  const file = writeOrders('single.jsonl', ['{"id":"single","command":["true"]}']);
  const { code, stdout, stderr } = await runBuilt([program, file, '--json'], place);
  expect(stderr).toMatch(/^1 orders are done: compute-\d is killed, with all that it runs$/m);
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({ orders: 1, done: 1, lost: 0, doubled: 0, killed: 1 });
  expect(code).toBe(0);
});

it('says which orders went badly, and exits with 1', async () => {
  const bad = [
    { id: 'not-there', command: ['no-such-program'] },
    { id: 'not-well', command: ['sha256sum', '/no/such/file'] },
  ];
  const file = writeOrders('bad.jsonl', [...firstOrders(12), ...bad.map((order) => JSON.stringify(order))]);
  const { code, stdout, stderr } = await runBuilt([program, file, '--json'], place);
  expect(stderr).toContain('not-there ended with 127: spawn no-such-program ENOENT\n');
  expect(stderr).toContain('not-well ended with 1: sha256sum: /no/such/file: No such file or directory\n');
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({ orders: 14, done: 14, lost: 0, doubled: 0 });
  expect(code).toBe(1);
});

it.each([
  [['/no/such/orders'], /^\/no\/such\/orders cannot be read \(ENOENT: no such file or directory\): name a file of orders\n$/],
  [['a', 'b'], /^name one file, not 2\n\nUsage: npm start/],
  [['--nothing'], /^Unknown option '--nothing'/],
])('refuses %j with exit code 2, before anything is started', async (args, message) => {
  const { code, stdout, stderr } = await runBuilt([program, ...args], place);
  expect(stderr).toMatch(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
});

it('names every line of an order file that is not right', async () => {
  const file = writeOrders('wrong.jsonl', [
    '{"id":"a","command":["true"]}',
    '{"id":"b","command":["true"]',
    '{"id":"C","command":[]}',
    '',
    '{"id":"a","command":["false"]}',
    '{"id":"d","command":["true"],"cpus":2}',
    '[]',
  ]);
  const problem: unknown = await readOrders(file).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(OrderFileError);
  expect((problem as Error).message.split('\n')).toEqual([
    `${file} is no file of orders:`,
    expect.stringMatching(/^ {2}line 2: no JSON: /),
    '  line 3: id: an id is made of a-z, 0-9 and "-", of 64 at most; command: name the program to run',
    '  line 6: Unrecognized key: "cpus"',
    '  line 7: Invalid input: expected object, received array',
    '  line 5: the id a is that of line 1',
  ]);
  await expect(readOrders(writeOrders('empty.jsonl', ['', '']))).rejects.toThrow(/it has no orders$/);
});

it('has 200 orders of its own and more, whose files are there', async () => {
  const orders = await readOrders(ownOrders);
  expect(orders.length).toBeGreaterThanOrEqual(200);
  const files = new Set(orders.map(({ command }) => command.at(-1)!));
  expect([...files].filter((file) => !existsSync(join(root, file)))).toEqual([]);
});

/** An instance, whose command is given, and the pipe to it. */
const instance = (results: string, compute: string, command: readonly string[], started = process.hrtime.bigint()) => {
  const order = JSON.stringify({ id: 'one', command });
  const child = spawn(process.execPath, ['examples/cloud/runner.js', results, compute, String(started), order], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return { child, outcome: text(child.stdout), code: once(child, 'exit').then(([code]: unknown[]) => code) };
};

/** One whose command ends when the function is called that comes with it; resolves when it has begun. */
const heldInstance = async (results: string) => {
  const pipe = `${results}.pipe`;
  execFileSync('bash', ['-c', 'mkfifo "$1"', 'bash', pipe]);
  const held = instance(results, 'held', ['cat', pipe]);
  // Opening a pipe waits for its other end.
  const writer = await open(pipe, 'w');
  return { ...held, finish: () => writer.close() };
};

const namesIn = (results: string, folder: string): readonly string[] => readdirSync(join(results, folder));

it('commits an order once, and finds it done after that', async () => {
  const results = join(place.path, 'once');
  expect(await instance(results, 'a', ['echo', '1']).outcome).toBe('{"outcome":"committed"}');
  expect(await instance(results, 'b', ['echo', '2']).outcome).toBe('{"outcome":"found"}');
  const { results: found, ...counts } = await recount(results, [{ id: 'one', command: ['echo'] }]);
  expect(found).toMatchObject([{ order: 'one', compute: 'a', exitCode: 0, output: '1', bytes: 2 }]);
  expect(counts).toEqual({ lost: [], doubled: 0 });
});

it('does not commit an attempt after a later one has begun', async () => {
  const results = join(place.path, 'revoked');
  const held = await heldInstance(results);
  expect(await instance(results, 'later', ['echo', '2']).outcome).toBe('{"outcome":"committed"}');
  await held.finish();
  expect(await held.outcome).toBe('{"outcome":"revoked"}');
  expect(namesIn(results, 'revoked')).toEqual([expect.stringMatching(`^one\\.\\d+\\.held\\.${String(held.child.pid)}\\.json$`)]);
  expect((await recount(results, [{ id: 'one', command: [] }])).results).toMatchObject([{ compute: 'later' }]);
});

it('commits an attempt though an earlier one begins late', async () => {
  const results = join(place.path, 'late');
  const earlier = process.hrtime.bigint();
  const held = await heldInstance(results);
  expect(await instance(results, 'late', ['echo', '1'], earlier).outcome).toBe('{"outcome":"revoked"}');
  await held.finish();
  expect(await held.outcome).toBe('{"outcome":"committed"}');
  expect((await recount(results, [{ id: 'one', command: [] }])).results).toMatchObject([{ compute: 'held' }]);
});

it('commits one attempt of several that begin at once', async () => {
  const results = join(place.path, 'at-once');
  const outcomes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => instance(results, name, ['echo', name], 7n).outcome));
  expect(outcomes.filter((outcome) => outcome.includes('committed'))).toHaveLength(1);
  expect(namesIn(results, 'doubled')).toEqual([]);
});

it('counts a result that comes where there is one', async () => {
  const results = join(place.path, 'doubled');
  const held = await heldInstance(results);
  writeFileSync(join(results, 'results/one.json'), '');
  await held.finish();
  expect(await held.outcome).toBe('{"outcome":"doubled"}');
  expect(await recount(results, [])).toEqual({ results: [], lost: [], doubled: 1 });
});

it('ends an instance whose pipe closes, with its command, before it commits', async () => {
  const results = join(place.path, 'closed');
  const held = await heldInstance(results);
  const pids = descendants(held.child.pid!).map(({ pid }) => pid);
  expect(pids).toHaveLength(1);
  held.child.stdin.end();
  expect(await held.code).toBe(1);
  await expect.poll(() => running(pids), { timeout: 10_000 }).toEqual([]);
  await held.finish();
  expect(namesIn(results, 'results')).toEqual([]);
  expect(await recount(results, [{ id: 'one', command: [] }])).toEqual({ results: [], lost: ['one'], doubled: 0 });
});

it.each(['first', 'last'] as const)('commits nothing whose pipe had closed as it woke, be that %s', async (order) => {
  const results = join(place.path, `asleep-${order}`);
  const held = await heldInstance(results);
  held.child.kill('SIGSTOP');
  await expect.poll(() => execFileSync('ps', ['-o', 'state=', '-p', String(held.child.pid)]).toString()).toMatch(/^T/);
  if (order === 'first') held.child.stdin.destroy();
  await held.finish();
  await expect.poll(() => descendants(held.child.pid!), { timeout: 10_000 }).toEqual([]);
  if (order === 'last') held.child.stdin.destroy();
  held.child.kill('SIGCONT');
  expect(await held.code).toBe(1);
  expect(namesIn(results, 'results')).toEqual([]);
});

it('can be started by skein up, found out about, called, and drained, from the command line alone', async () => {
  using alone = temporary();
  await using up = startSkein(['up', 'examples/cloud/cloud.yaml'], alone.env);
  const names = ['api-1', 'scheduler-1', 'scheduler-2', 'compute-1', 'compute-2', 'compute-3'];
  await Promise.all(names.map((name) => up.line(new RegExp(`${name} is ready$`))));
  const command = ['sha256sum', join(root, 'package.json')];
  const call = async (...args: readonly string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await skein(['call', ...args, '--json'], alone.env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as unknown;
  };
  const nodes = JSON.parse((await skein(['nodes', '--json'], alone.env)).stdout) as readonly { readonly node: string }[];
  expect(nodes.map(({ node }) => node)).toEqual([...names].sort());
  expect(await call('api', 'order', JSON.stringify({ id: 'one', command }))).toMatchObject({ order: 'one', exitCode: 0 });
  expect((await skein(['drain', 'scheduler-2'], alone.env)).code).toBe(0);
  await up.line(/scheduler-2 is done$/);
  expect(await call('api', 'order', JSON.stringify({ id: 'two', command }))).toMatchObject({ order: 'two', exitCode: 0 });
  expect(await call('api', 'status')).toMatchObject({ orders: 2, done: 2, failed: 0 });
  const file = join(alone.path, 'orders.jsonl');
  writeFileSync(file, '{"id":"filed","command":["true"]}\n');
  expect(await call('api', 'submit', JSON.stringify({ file: relative(root, file) }))).toEqual({ orders: 1 });
  // What was taken as Ctrl-C is pressed is finished, be it at work or not.
  const many = Array.from({ length: 20 }, (_, i) => `many-${String(i)}`);
  const slow = ['three', 'four'].map((id) => call('api', 'order', JSON.stringify({ id, command: ['sleep', '3'] })));
  await expect.poll(async () => await call('api', 'list', '{"state":"running"}'), { timeout: 20_000 }).toHaveLength(2);
  writeFileSync(file, many.map((id) => JSON.stringify({ id, command: ['sleep', '1'] })).join('\n'));
  expect(await call('api', 'submit', JSON.stringify({ file: relative(root, file) }))).toEqual({ orders: 20 });
  up.child.kill('SIGINT');
  expect(await Promise.all(slow)).toMatchObject([
    { order: 'three', exitCode: 0 },
    { order: 'four', exitCode: 0 },
  ]);
  expect(await up.end()).toBe(0);
  const results = join(alone.path, `skein-cloud-${userInfo().username}`);
  expect(
    (
      await recount(
        results,
        many.map((id) => ({ id, command: [] })),
      )
    ).lost,
  ).toEqual([]);
});

it('can be started process by process, found out about, and called method by method', async () => {
  using alone = temporary();
  const url = `zmq+local://${join(alone.path, 'meet')}`;
  const results = join(alone.path, 'results');
  const members = (['compute', 'scheduler', 'api'] as const).map((kind) => {
    const env = { ...alone.env, SKEIN_URL: url, SKEIN_NAME: `${kind}-1`, CLOUD_RESULTS: results };
    return startBuilt([`examples/cloud/${kind}.ts`], { env });
  });
  try {
    await Promise.all(members.map(({ stdout }) => once(stdout, 'data')));
    await using node = await createNode(url);
    const [api, scheduler, compute] = [node.client(Api), node.client(Scheduler), node.client(Compute)];
    for (const { methods } of await Promise.all([api.$describe(), scheduler.$describe(), compute.$describe()])) {
      for (const { verb, input, output } of Object.values(methods)) {
        expect(verb === 'cast' ? true : output !== undefined || input !== undefined).toBe(true);
      }
    }
    const order = { id: 'one', command: ['sha256sum', 'package.json'] };
    const [one, two] = await Promise.all([compute.boot(order), compute.boot(order)]);
    expect(one).toEqual(two);
    expect(namesIn(results, 'attempts/one')).toHaveLength(1);
    expect(await scheduler.place({ ...order, id: 'zero' })).toMatchObject({ order: 'zero', sha256: one.sha256 });
    expect(await api.order(order)).toEqual(one);
    await expect(api.order({ ...order, command: ['true'] }).then()).rejects.toThrow(
      /one was ordered already, with another command/,
    );
    await expect(api.order({ id: 'One', command: [] }).then()).rejects.toMatchObject({ code: 'invalid-argument' });
    const file = join(alone.path, 'orders.jsonl');
    writeFileSync(file, '{"id":"two","command":["echo","2"]}\n');
    expect(await api.submit({ file })).toEqual({ orders: 1 });
    await expect.poll(async () => await api.list({ state: 'done' })).toMatchObject([{ id: 'one' }, { id: 'two', placements: 1 }]);
    expect(await api.status()).toMatchObject({ orders: 2, done: 2, failed: 0, placements: 2, retries: 0 });
    await expect(api.order({ id: 'zero', command: ['true'] }).then()).rejects.toThrow(
      /zero was done already, with another command/,
    );
    const state = await compute.state();
    expect(state).toMatchObject({ compute: 'compute-1', pid: members[0]!.pid, running: [], waiting: 0 });
    expect(await scheduler.computes()).toMatchObject([{ compute: 'compute-1', totalMemory: state.totalMemory }]);
    for (const member of members) {
      member.kill('SIGTERM');
      expect((await once(member, 'exit'))[0]).toBe(0);
    }
  } finally {
    await Promise.all(members.map(stop));
  }
});

it.each(['SIGINT', 'SIGKILL'] as const)('leaves no process behind when it ends by %s', async (signal) => {
  const child = startBuilt([program, writeOrders('sleepy.jsonl', sleepy(20))], place);
  try {
    const commands = () => descendants(child.pid!).filter(({ name }) => name === 'sleep');
    // Twelve are placed; where a compute got more than it runs at once, some of them wait.
    await expect.poll(() => commands().length, { timeout: 60_000, interval: 250 }).toBeGreaterThanOrEqual(8);
    const pids = descendants(child.pid!).map(({ pid }) => pid);
    // Six members, and for each instance a runner and a command.
    expect(pids.length).toBeGreaterThanOrEqual(6 + 16);
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.exitCode ?? child.signalCode).toBe(signal === 'SIGINT' ? 130 : signal);
    await expect.poll(() => running(pids), { timeout: 20_000 }).toEqual([]);
  } finally {
    await stop(child);
  }
});
