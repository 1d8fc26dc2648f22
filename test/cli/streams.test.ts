import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as runProgram, temporary } from '../run.js';
import { skein, startService, startSkein, type Watched } from './skein.js';

// Each command is a process of its own, and takes a second to start, or several on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: ReturnType<typeof temporary>;
let service: Watched;

beforeAll(async () => {
  place = temporary();
  service = await startService('api', place.env);
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

/** As pasted into a shell, where `skein` is the command. */
const shell = (line: string) =>
  runProgram('sh', ['-c', line.replaceAll('skein', '"$0" dist/cli/main.js'), process.execPath], { env: place.env });

describe('skein stream', () => {
  it('prints the items of a stream, one a line', async () => {
    expect(await skein(['stream', 'compute', 'count', '{"to":3}'], place.env)).toMatchObject({ code: 0, stdout: '1\n2\n3\n' });
    expect(await shell(`echo '{"to":2}' | skein stream compute count -`)).toMatchObject({ code: 0, stdout: '1\n2\n' });
  });

  it('sends the lines of standard input to a sink, and prints its reply', async () => {
    const { code, stdout } = await shell(`printf '"a"\\n\\n"b"\\n' | skein stream compute store '{"name":"x"}'`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"stored":2}\n' });
  });

  it('goes on with a channel for as long as standard input does', async () => {
    await using shouting = startSkein(['stream', 'compute', 'shout'], place.env, 'pipe');
    shouting.child.stdin.write('"first"\n');
    await shouting.line(/^"FIRST"$/);
    shouting.child.stdin.end('"second"\n');
    await shouting.line(/^"SECOND"$/);
    expect(await shouting.end()).toBe(0);
  });

  it('stops when nobody reads it any more', async () => {
    await using counting = startSkein(['stream', 'compute', 'count', '{"to":1000000000}'], place.env);
    await counting.line(/^1000$/);
    counting.child.stdout.destroy();
    await once(counting.child, 'exit');
    expect(counting.child.exitCode).toBe(0);
  });

  it('prints what came before a stream failed, and says why it did', async () => {
    const { code, stdout, stderr } = await skein(['stream', 'compute', 'breaks'], place.env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '1\n' });
    expect(stderr).toMatch(/^skein: \[remote-error\] RangeError: no more\n/);
  });

  it('ends with a sink that fails, although standard input goes on', async () => {
    await using storing = startSkein(['stream', 'compute', 'store', '{"name":"x"}'], place.env, 'pipe');
    storing.child.stdin.write('"bad"\n');
    await storing.line(/^skein: \[remote-error\] Error: bad item of x$/);
    expect(await storing.end()).toBe(1);
  });

  it.each([
    [
      1,
      `printf '"a"\\n{\\n' | skein stream compute store '{"name":"x"}'`,
      /^skein: line 2 of standard input: the input is not JSON/,
    ],
    [1, `echo 7 | skein stream compute store '{"name":"x"}'`, /^skein: \[invalid-argument\]/],
    [1, `echo '"a"' | skein stream compute store`, /^skein: \[invalid-argument\]/],
    [
      2,
      'skein stream compute boot',
      /^skein: compute\.boot is a call, not a stream or sink or channel\n {7}Say: skein call compute boot/,
    ],
    [2, 'skein call compute store', /^skein: compute\.store is a sink, not a call\n {7}Say: skein stream compute store/],
  ])('exits %i from %s', async (wanted, line, message) => {
    const { code, stdout, stderr } = await shell(line);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: wanted, stdout: '' });
  });

  it('is in what describes a topic, with lines that can be pasted', async () => {
    const { stdout } = await skein(['describe', 'compute'], place.env);
    expect(stdout).toContain(
      [
        '  store  sink',
        '    opens  { name: string }',
        '    takes  items of string',
        '    gives  { stored: number }',
        `    echo '"text"' | skein stream compute store '{"name":"text"}'`,
      ].join('\n'),
    );
    const pasted = [...stdout.matchAll(/^ {4}((?:echo .*)?skein stream compute (?:count|store) .*)$/gm)].map(
      ([, line]) => line ?? '',
    );
    expect(pasted).toHaveLength(2);
    for (const line of pasted) expect(await shell(line)).toMatchObject({ code: 0, stderr: '' });
  });
});
