import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as runProgram, temporary } from '../run.js';
import { skein, startService, type Watched } from './skein.js';

// Each command is a process of its own, and takes a second to start, or several on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: ReturnType<typeof temporary>;
let services: readonly Watched[];

beforeAll(async () => {
  place = temporary();
  services = await Promise.all(['api-1', 'api-2'].map((name) => startService(name, place.env)));
});

afterAll(async () => {
  for (const service of services) await service[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

const run = (...args: readonly string[]) => skein(args, place.env);
const json = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await run(...args, '--json')).stdout);

describe('a cluster of two nodes', () => {
  it('is listed by node and by topic', async () => {
    const nodes = await run('nodes');
    expect(nodes.stdout).toMatch(
      /^NODE {3}SERVES {7}ADDRESS\napi-1 {2}compute 1\.2 {2}ipc:\S+\napi-2 {2}compute 1\.2 {2}ipc:\S+\n$/,
    );
    expect(nodes).toMatchObject({ code: 0, stderr: '' });
    const topics = await run('topics');
    expect(topics.stdout).toBe('TOPIC    VERSION  SERVERS  THEY ARE\ncompute  1.2      2        api-1, api-2\n');
    const servers = [{ exchange: 'default', topic: 'compute', server: 'api-1', namespace: '', version: '1.2' }];
    expect(await json('nodes')).toMatchObject([
      { node: 'api-1', id: expect.any(String) as string, labels: {}, servers },
      { node: 'api-2' },
    ]);
    const names = ['api-1', 'api-2'];
    expect(await json('topics')).toEqual([
      { exchange: 'default', topic: 'compute', namespace: '', version: '1.2', servers: names },
    ]);
  });

  it('is described, with lines that call each method when they are pasted', async () => {
    const { code, stdout } = await run('describe', 'compute');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^SERVER {2}NODE {3}VERSION {2}ADDRESS\napi-1 {3}api-1 {2}1\.2 {6}ipc:/);
    expect(stdout).toContain(
      [
        '  boot  call',
        '    takes  { image: string, size?: integer >= 2 }',
        '    gives  { id: string }',
        `    skein call compute boot '{"image":"text"}'`,
      ].join('\n'),
    );
    expect(stdout).toContain(`    takes  bytes\n    gives  number\n    skein call compute upload '{"$bytes":"aGVsbG8="}'\n`);
    expect(stdout).toContain('  fail  call\n    takes  nothing, or what the contract has no schema for\n');
    expect(stdout).toContain(`  note  cast\n    takes  { id: string }\n    skein cast compute note '{"id":"text"}'`);
    const pasted = [...stdout.matchAll(/^ +skein (call|cast) (\S+) (boot|upload|note) '(.*)'$/gm)];
    expect(pasted).toHaveLength(3);
    for (const [, ...words] of pasted) expect(await run(...words)).toMatchObject({ code: 0, stderr: '' });
    expect(await json('describe', 'compute')).toMatchObject({
      topic: 'compute',
      exchange: 'default',
      servers: [{ server: 'api-1', node: 'api-1' }, { server: 'api-2' }],
      editions: [{ version: '1.2', methods: { note: { verb: 'cast', example: `skein cast compute note '{"id":"text"}'` } } }],
    });
  });

  it('is called: the reply comes as JSON, what JSON lacks in its own form', async () => {
    const { code, stdout } = await run('call', 'compute', 'boot', '{"image":"debian"}', '--on', 'api-2');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{\n  "id": "debian@api-2"\n}\n' });
    expect((await run('call', 'compute', 'odd', '--json')).stdout).toBe(
      '{"count":"12","at":"1970-01-01T00:00:00.000Z","bytes":{"$bytes":"AQI="},"nothing":null,"beyond":"Infinity"}\n',
    );
    const sent = '[{"$bytes":"AQI="},{"$date":"1970-01-01T00:00:00.000Z"},{"$bigint":"18446744073709551615"},{"$other":"x"}]';
    expect((await run('call', 'compute', 'same', sent, '--json')).stdout).toBe(
      '[{"$bytes":"AQI="},"1970-01-01T00:00:00.000Z","18446744073709551615",{"$other":"x"}]\n',
    );
  });

  it('reads the input from a pipe', async () => {
    writeFileSync(join(place.path, 'input.json'), '{ "image": "piped" }');
    const script = `cat "$0" | "$1" dist/cli/main.js call compute boot - --on api-1 --json`;
    const { stdout } = await runProgram('sh', ['-c', script, join(place.path, 'input.json'), process.execPath], {
      env: place.env,
    });
    expect(stdout).toBe('{"id":"piped@api-1"}\n');
  });

  it('is cast to, and told to all of it', async () => {
    expect(await run('cast', 'compute', 'note', '{"id":"a"}', '--on', 'api-1')).toMatchObject({
      code: 0,
      stdout: 'accepted by api-1\n',
    });
    await services[0]?.line(/^noted a$/);
    expect(await json('cast', 'compute', 'note', '{"id":"b"}', '--confirm', 'done', '--on', 'api-2')).toEqual({
      state: 'done',
      server: 'api-2',
    });
    expect(await run('fanout', 'compute', 'note', '{"id":"c"}')).toMatchObject({
      code: 0,
      stdout: 'SERVER  OUTCOME\napi-1   accepted\napi-2   accepted\n',
    });
    await Promise.all(services.map((service) => service.line(/^noted c$/)));
    const bad = await run('fanout', 'compute', 'note', '{"id":"bad"}', '--confirm', 'done', '--json');
    expect(JSON.parse(bad.stdout)).toMatchObject([
      { server: 'api-1', ok: false, error: { code: 'remote-error' } },
      { ok: false },
    ]);
    expect(JSON.parse(bad.stderr)).toMatchObject({ error: { message: 'the fanout failed at 2 of 2 servers' } });
    expect(bad.code).toBe(1);
  });

  it.each([
    [1, ['call', 'compute', 'fail'], /^skein: \[remote-error\] RangeError: no room\n {7}The server's log/],
    [1, ['call', 'compute', 'boot', '{}'], /^skein: \[invalid-argument\] image: .*\n {7}"skein describe compute" shows/],
    [2, ['call', 'compute', 'boot', '{'], /^skein: the input is not JSON: .*\n {7}Write it in single quotes/],
    [2, ['call', 'compute', 'upload', '{"$bytes":"?"}'], /^skein: "\?" is no bytes/],
    [2, ['call', 'compute', 'note', '{}'], /^skein: compute\.note is a cast, not a call\n {7}Say: skein cast compute note/],
    [2, ['nodes', '--url', 'nowhere'], /^skein: \[invalid-argument\] "nowhere" is no URL of a node/],
    [2, ['nodes', '--url', 'zmq+memory://x'], /^skein: zmq\+memory:\/\/x joins the nodes of one process only/],
    [2, ['nodes', '--url', 'zmq+local:///no/such/folder'], /^skein: there is no folder \/no\/such\/folder: nothing was ever/],
    [2, ['nodes', '--timeout', 'soon'], /'soon' is invalid\. Write a whole number of ms/],
    [2, ['describe', ''], /^skein: \[invalid-target\] the topic must not be empty\n {7}"skein topics" shows what is served\.\n$/],
    [2, ['call', 'compute', 'boot', '--on', ''], /^skein: \[invalid-target\] the server must not be empty\n/],
    [2, ['call', 'compute'], /missing required argument 'method'/],
    [3, ['call', 'nowhere', 'boot'], /^skein: \[no-server\] no server answers nowhere\n {7}Topics that are served: compute\./],
    [3, ['describe', 'compute', '--on', 'api-9'], /^skein: \[no-server\] compute has no server api-9\n {7}It has api-1, api-2\./],
    [3, ['call', 'compute', 'reboot'], /^skein: \[no-such-method\] compute has no method reboot\n {7}It has boot, /],
    [
      3,
      ['describe', 'compute', '--exchange', 'x'],
      /no server answers compute in exchange x\n {7}It is served in exchange default: say/,
    ],
    [3, ['drain', 'api-9'], /^skein: no node api-9 is listed\n {7}Listed are api-1, api-2\./],
    [
      4,
      ['call', 'compute', 'hang', '--timeout', '500'],
      /^skein: \[deadline-exceeded\] .*\n {7}Give it longer.*look before you repeat/,
    ],
  ])('exits %i from %j, and says what to do', async (wanted, args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: wanted, stdout: '' });
  });

  it('tells machines of errors as JSON', async () => {
    const { code, stderr } = await run('call', 'nowhere', 'boot', '--json');
    const error = { code: 'no-server', message: 'no server answers nowhere', advice: 'Topics that are served: compute.' };
    expect({ code, error: JSON.parse(stderr) as unknown }).toEqual({ code: 3, error: { error } });
    const usage = await run('nodes', '--bogus', '--json');
    expect(usage).toMatchObject({ code: 2, stdout: '' });
    expect(JSON.parse(usage.stderr)).toEqual({
      error: { message: "unknown option '--bogus'", advice: 'Run "skein --help" to see what there is.' },
    });
  });

  it('says so where nothing is served', async () => {
    using empty = temporary();
    expect(await skein(['topics'], empty.env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^No servers are listed\./) as string,
    });
    expect(await skein(['nodes', '--json'], empty.env)).toMatchObject({ code: 0, stdout: '[]\n' });
  });
});

describe('a ring file, which names neither versions nor runs', () => {
  it('lets its servers be described and called', async () => {
    using ring = temporary();
    const file = join(ring.path, 'ring.yaml');
    const address = `ipc://${join(ring.path, 'one.sock')}`;
    writeFileSync(file, `servers: [{ topic: compute, server: one, address: "${address}" }]`);
    const env = { ...ring.env, SKEIN_URL: `zmq+static://${file}` };
    await using one = await startService('one', env);
    expect((await skein(['topics'], env)).stdout).toMatch(/compute {2}\(not told\) {2}1 +one/);
    expect((await skein(['call', 'compute', 'boot', '{"image":"x"}', '--json'], env)).stdout).toBe('{"id":"x@one"}\n');
    const drained = await skein(['drain', 'one'], env);
    expect(await one.end()).toBe(0);
    expect(drained).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('one has drained, and left nothing unfinished') as string,
    });
  });
});

describe('skein drain', () => {
  it('ends a node, and waits until it has ended', async () => {
    using own = temporary();
    await using first = await startService('w-1', own.env);
    await using second = await startService('w-2', own.env);
    const { code, stdout } = await skein(['drain', 'w-1'], own.env);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: [
        'w-1 is asked to drain: to take no new work, finish what it has begun, and end',
        'w-1 has drained, and left nothing unfinished',
        '',
      ].join('\n'),
    });
    expect(JSON.parse((await skein(['nodes', '--json'], own.env)).stdout)).toMatchObject([{ node: 'w-2' }]);
    expect(await first.end()).toBe(0);
    const asJson = await skein(['drain', 'w-2', '--json'], own.env);
    expect(JSON.parse(asJson.stdout)).toMatchObject([{ node: 'w-2', unfinished: [], hasLeft: true }]);
    expect(await second.end()).toBe(0);
  });

  it('waits for what is at work, and says what was not finished in the end', async () => {
    using own = temporary();
    await using one = await startService('w-1', own.env);
    const hanging = skein(['call', 'compute', 'hang', '--timeout', '100000'], own.env);
    await one.line(/^hangs$/);
    const { code, stdout, stderr } = await skein(['drain', 'w-1', '--json'], own.env);
    const unfinished = [expect.stringMatching(/^at work on compute\.hang of w-1, for /) as string];
    expect(JSON.parse(stdout)).toMatchObject([{ node: 'w-1', unfinished, hasLeft: true }]);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { message: 'w-1 has drained, and could not finish 1 of what it had at work' },
    });
    expect(code).toBe(1);
    expect((await hanging).code).toBe(4);
    expect(await one.end()).toBe(0);
  });

  it('is refused where the operator forbids it', async () => {
    using own = temporary();
    await using one = await startService('w-1', { ...own.env, SKEIN_REMOTE_DRAIN: 'false' });
    const { code, stderr } = await skein(['drain', 'w-1'], own.env);
    expect(stderr).toMatch(/^skein: \[forbidden\] forbidden by remoteDrain=false\n {7}Whoever runs that node/);
    expect(code).toBe(1);
    expect(one.child.exitCode).toBeNull();
  });
});
