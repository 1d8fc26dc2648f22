import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { built, temporary } from '../run.js';
import { skein, startSkein } from './skein.js';

// Each command is a process of its own, and takes a second to start, or several on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** A file of services beside which they run, and the environment in which they meet. */
const setUp = (services: unknown, top: object = {}) => {
  const place = temporary();
  onTestFinished(() => {
    place[Symbol.dispose]();
  });
  const file = join(place.path, 'up.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ services, ...top }));
  return { ...place, file };
};

const node = (script: string, ...args: readonly string[]) => [process.execPath, '-e', script, ...args];
const compute = { command: [process.execPath, built('test/cli/services/compute.ts')] };
const ignoresSignals = `process.on('SIGTERM', () => console.log('no')); setInterval(() => {}, 1e6); console.log('deaf');`;

describe('skein up', () => {
  it('runs services to their end, with their names before their lines', async () => {
    const script = `console.log('one'); console.error('two'); process.stdout.write('part'); console.error(process.env.FOO, process.env.SKEIN_NAME)`;
    const { file, env } = setUp(
      { a: { command: node(script), env: { FOO: 7 } }, long: { command: 'echo "$BAR $0"', replicas: 2 } },
      { env: { BAR: true } },
    );
    const { code, stdout, stderr } = await skein(['up', file], env);
    const lines = stdout.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'a-1    | one',
        'a-1    | part',
        'long-1 | true /bin/sh',
        'long-2 | true /bin/sh',
        'skein  | a-1 is done',
      ]),
    );
    expect(lines.slice(-2)).toEqual(['skein  | all have ended', '']);
    expect(stderr).toBe('a-1    | two\na-1    | 7 a-1\n');
    expect(code).toBe(0);
  });

  it('starts what crashes again, and gives up after too many failures in a row', async () => {
    const { file, env } = setUp({ bad: { command: 'exit 3', restartsMax: 2 }, gone: { command: ['no-such-program'] } });
    const { code, stdout } = await skein(['up', file, '--json'], env);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.filter(({ replica }) => replica === 'bad-1').map(({ event }) => event)).toEqual([
      'started',
      'crashed',
      'started',
      'crashed',
      'started',
      'failed',
    ]);
    const [first, second] = events.filter(({ event }) => event === 'crashed');
    expect(first).toMatchObject({ how: 'exit code 3', code: 3, signal: null, failures: 1 });
    expect(first?.restartMs).toBeGreaterThanOrEqual(50);
    expect(second?.restartMs).toBeGreaterThanOrEqual(100);
    expect(events.find(({ replica }) => replica === 'gone-1')).toMatchObject({
      event: 'failed',
      failures: 1,
      how: expect.stringMatching(/ENOENT/) as string,
    });
    expect(events.at(-1)).toMatchObject({ event: 'ended', failed: ['gone-1', 'bad-1'] });
    expect(code).toBe(1);
  });

  it('starts a killed server again, and has all drain on Ctrl-C', async () => {
    const { file, env } = setUp({ api: { ...compute, replicas: 2 } });
    await using up = startSkein(['up', file], env);
    await Promise.all([up.line(/^api-1 \| ready api-1$/), up.line(/^api-2 \| ready api-2$/)]);
    expect(JSON.parse((await skein(['nodes', '--json'], env)).stdout)).toMatchObject([{ node: 'api-1' }, { node: 'api-2' }]);
    const pid = /pid (\d+)/.exec(await up.line(/api-1 started/))?.[1];
    process.kill(Number(pid), 'SIGKILL');
    await up.line(/^skein \| api-1 crashed: SIGKILL; it starts again in \d+ ms$/);
    await up.line(new RegExp(`api-1 started \\(pid (?!${String(pid)}\\))`));
    up.child.kill('SIGINT');
    await up.line(/^skein \| SIGINT: all are told to end; once more kills them$/);
    await up.line(/^api-2 \| draining$/);
    await up.line(/^skein \| api-2 has stopped$/);
    expect(await up.end()).toBe(0);
    expect((await skein(['nodes', '--json'], env)).stdout).toBe('[]\n');
  });

  it.each([
    ['started itself', (program: string) => [process.execPath, program]],
    ['behind a shell', (program: string) => `cd . && "${process.execPath}" ${program}; echo too much`],
  ])('leaves it to a program, %s, to end what it has started', async (_what, command) => {
    const { file, env, path } = setUp({ a: { command: command('parent.cjs'), cwd: '.' } });
    writeFileSync(
      join(path, 'child.cjs'),
      `process.on('SIGTERM', () => console.log('told too'));
       process.stdin.on('end', () => process.exit()).resume();
       console.log('both run');`,
    );
    writeFileSync(
      join(path, 'parent.cjs'),
      `const child = require('child_process').spawn(process.execPath, ['child.cjs'], { stdio: ['pipe', 'inherit', 'inherit'] });
       process.on('SIGTERM', () => setTimeout(() => child.stdin.end(), 500));
       child.on('exit', (code) => process.exit(console.log('child ended with', code)));`,
    );
    await using up = startSkein(['up', file], env);
    await up.line(/both run$/);
    up.child.kill('SIGINT');
    await up.line(/child ended with 0$/);
    await up.line(/a-1 has stopped$/);
    expect(await up.end()).toBe(0);
    expect(up.lines.filter((line) => /told too|too much/.test(line))).toEqual([]);
  });

  it('tells a service to end only once those have that it is to outlast', async () => {
    const last = `process.on('SIGTERM', () => process.exit(console.log('told'))); setInterval(() => {}, 1e6); console.log('ready');`;
    const first = `process.on('SIGTERM', () => { console.log('told'); setTimeout(() => process.exit(console.log('ends')), 500); });
      setInterval(() => {}, 1e6); console.log('ready');`;
    const { file, env } = setUp({ asks: { command: node(first) }, answers: { command: node(last), stopAfter: ['asks'] } });
    await using up = startSkein(['up', file], env);
    await Promise.all([up.line(/^asks-1 +\| ready$/), up.line(/^answers-1 +\| ready$/)]);
    up.child.kill('SIGINT');
    expect(await up.end()).toBe(0);
    const said = up.lines
      .filter((line) => /\| (told|ends)$|asks-1 has stopped/.test(line))
      .map((line) => line.replace(/ +\|/, ''));
    expect(said).toEqual(['asks-1 told', 'asks-1 ends', 'skein asks-1 has stopped', 'answers-1 told']);
  });

  it('says what ended badly as it was told to, and who was told by someone else', async () => {
    const badly = `process.on('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1e6); console.log('ready');`;
    const { file, env } = setUp({ a: { command: node(badly) }, b: { command: node('setInterval(() => {}, 1e6)') } });
    await using up = startSkein(['up', file], env);
    await up.line(/\| ready$/);
    process.kill(Number(/pid (\d+)/.exec(await up.line(/b-1 started/))?.[1]), 'SIGTERM');
    await up.line(/^skein \| b-1 was told to end by SIGTERM, and not from here; it starts again in \d+ ms$/);
    up.child.kill('SIGINT');
    await up.line(/^skein \| a-1 has stopped, but not well: exit code 3$/);
    await up.line(/^skein \| all have ended; failed: a-1$/);
    expect(await up.end()).toBe(1);
  });

  it('kills what does not end in time, or at once when it is told twice', async () => {
    const { file, env } = setUp({ deaf: { command: node(ignoresSignals), stopMs: 200 } });
    await using up = startSkein(['up', file], env);
    await up.line(/deaf$/);
    up.child.kill('SIGTERM');
    await up.line(/^skein {2}\| deaf-1 was killed, for it had not ended$/);
    expect(await up.end()).toBe(1);

    const patient = setUp({ deaf: { command: node(ignoresSignals), stopMs: 3_600_000 } });
    await using again = startSkein(['up', patient.file], patient.env);
    await again.line(/\| deaf$/);
    again.child.kill('SIGINT');
    await again.line(/\| no$/);
    // What comes at once with the first is the same wish.
    again.child.kill('SIGINT');
    let isKilled = false;
    const killed = again.line(/^skein {2}\| deaf-1 was killed/).then(() => (isKilled = true));
    // Not once that has been said: who is about to end hears no more wishes.
    await expect.poll(() => isKilled || !again.child.kill('SIGINT'), { timeout: 20_000, interval: 200 }).toBe(true);
    await killed;
    expect(await again.end()).toBe(1);
  });

  it('leaves nothing running where it is killed itself, not even what its programs started', async () => {
    const place = temporary();
    onTestFinished(() => {
      place[Symbol.dispose]();
    });
    // Whoever ends lets go of its connection.
    const server = createServer().listen(join(place.path, 'alive'));
    const connect = `require('net').connect(process.argv[1]); process.on('SIGTERM', () => {});`;
    const inner = `${connect} require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(connect)}, process.argv[1]]);`;
    const { file, env } = setUp({ a: { command: node(inner, join(place.path, 'alive')), stopMs: 100 } });
    await using up = startSkein(['up', file], env);
    const alive: Socket[] = [];
    while (alive.length < 2) alive.push(...((await once(server, 'connection')) as Socket[]));
    const ends = alive.map((socket) => new Promise((resolve) => socket.on('error', resolve).on('close', resolve).resume()));
    up.child.kill('SIGKILL');
    await Promise.all(ends);
    server.close();
  });

  it('restarts the replicas of a service one after another when its files change', async () => {
    const { file, env, path } = setUp({
      api: { ...compute, replicas: 2, watch: [] },
      other: { command: node('setInterval(() => {}, 1e6)') },
    });
    const watched = join(path, 'watched.txt');
    writeFileSync(watched, 'one');
    const services = {
      api: { ...compute, replicas: 2, watch: [watched] },
      other: { command: node('setInterval(() => {}, 1e6)'), watch: [file] },
    };
    writeFileSync(file, JSON.stringify({ services }));
    await using up = startSkein(['up', file, '--watch', '--json'], env);
    await Promise.all([up.line(/ready api-1/), up.line(/ready api-2/)]);
    const ids = async () => {
      const nodes = JSON.parse((await skein(['nodes', '--json'], env)).stdout) as {
        readonly node: string;
        readonly id: string;
      }[];
      return nodes.map(({ id }) => id);
    };
    const before = await ids();
    const said = up.lines.length;
    writeFileSync(watched, 'two');
    await up.line(/"event":"changed","service":"api"/);
    await up.line(new RegExp(`"started","replica":"api-2","service":"api","pid":(?!${pidOf(up.lines, 'api-2')}\\b)`));
    const events = up.lines
      .slice(said)
      .map((line) => JSON.parse(line) as { readonly event: string; readonly replica?: string; readonly text?: string });
    const order = events
      .filter(({ event, text }) => event === 'started' || text?.startsWith('ready'))
      .map(({ event, replica }) => `${event} ${String(replica)}`);
    expect(order).toEqual(['started api-1', 'line api-1', 'started api-2']);
    expect(before).toHaveLength(2);
    up.child.kill('SIGINT');
    expect(await up.end()).toBe(0);
    expect(up.lines.filter((line) => /"event":"(crashed|failed)"/.test(line))).toEqual([]);
  });

  it('lists every problem of a file with its place', async () => {
    const { file, env } = setUp(
      {
        a: {
          comand: 'x',
          replicas: 0,
          env: { SKEIN_NAME: 'q', L: [1] },
          cwd: 'nowhere',
          watch: 'x',
          stopMs: -1,
          stopAfter: ['a'],
        },
        'b/c': 7,
      },
      { url: 'zmq+memory://x', service: 3 },
    );
    const { code, stdout, stderr } = await skein(['up', file], env);
    for (const problem of [
      '- service is not known; known are services, url, env',
      '- url is wrong: zmq+memory://x joins the nodes of one process only',
      '- services.a.comand is not known; known are command, replicas, env, cwd, watch, restartsMax, stopMs, stopAfter',
      '- services.a.command must be a text for the shell, or a list of texts',
      '- services.a.replicas must be a whole number from 1 to 1000, and is 0',
      '- services.a.env.SKEIN_NAME is set by skein up',
      '- services.a.env.L must be a text',
      '- services.a.cwd must be a folder that exists',
      '- services.a.watch must be a list of files and folders',
      '- services.a.stopMs must be a whole number from 0 to',
      '- services.a.stopAfter must be a list of services that stand above it, and there are none',
      '- services.b/c must be named with letters',
      '- services.b/c must have a command',
    ]) {
      expect(stderr).toContain(problem);
    }
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    writeFileSync(file, 'services: [\n');
    expect(await skein(['up', file], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be used') as string,
    });
    expect(await skein(['up', `${file}.not`], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be read') as string,
    });
  });
});

const pidOf = (lines: readonly string[], replica: string): string => {
  const started = lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ event }) => event === 'started');
  return String(started.find((event) => event.replica === replica)?.pid);
};
