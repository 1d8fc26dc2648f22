import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstValueFrom, Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalMatchmaker } from '../../lib/adapters/local/local-matchmaker.js';
import { bootId, hasEnded, machineMs, ownOrigin } from '../../lib/adapters/local/origin.js';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { defaultDirectory, makePrivate, privacyProblem } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { aRegistration, Heard, matchmakerContract, namesOf } from '../contracts/matchmaker.js';
import { Writer } from '../processes/start-local-writer.js';

const clock = new SystemClock();
const ports = { clock, logger: new ConsoleLogger(), makePrivate };
const newFolder = async () => realpath(await mkdtemp(join(tmpdir(), 'skein-local-')));

matchmakerContract('a local directory', async () => {
  const directory = await newFolder();
  const node = () => LocalMatchmaker.open({ directory }, ports);
  return {
    nodes: [node(), node(), node()],
    list: (by, registration) => by.register(registration),
    asTold: (registration) => registration,
    close: () => rm(directory, { recursive: true }),
  };
});

describe('the local matchmaker', () => {
  let all: Subscription;
  let directory: string;
  let writers: Writer[];

  const open = (leaseMs?: number) => LocalMatchmaker.open({ directory, leaseMs }, ports);
  const write = (leaseMs: number, ...servers: readonly string[]): Writer => {
    const registrations = servers.map((server) => aRegistration({ server, leaseMs }));
    const writer = new Writer({ directory, registrations });
    writers.push(writer);
    return writer;
  };
  const watch = async (leaseMs?: number) => {
    const heard = new Heard(open(leaseMs).watch(aRegistration()), all);
    return { heard, untilServers: (...names: readonly string[]) => heard.until((set) => namesOf(set).join() === names.join()) };
  };

  beforeEach(async () => {
    all = new Subscription();
    directory = await newFolder();
    writers = [];
  });

  afterEach(async () => {
    all.unsubscribe();
    await Promise.all(writers.map((writer) => writer.signal('SIGKILL')));
    await rm(directory, { recursive: true, force: true });
  });

  it('tells processes of each other', async () => {
    const mine = new Heard(open().register(aRegistration({ server: 'mine' })), all);
    await mine.until();
    const { untilServers } = await watch();
    const writer = write(10_000, 'theirs-1', 'theirs-2');
    await untilServers('mine', 'theirs-1', 'theirs-2');
    expect(namesOf(writer.found ?? [])).toEqual(['mine']);
    expect(await writer.stop()).toBe(0);
    await untilServers('mine');
  });

  it('takes the servers of a killed process off long before their lease ends, though no one tells', async () => {
    const { untilServers } = await watch(600);
    const writer = write(60_000, 'killed');
    await untilServers('killed');
    await writer.signal('SIGKILL');
    const diedMs = clock.now();
    await untilServers();
    expect(clock.now() - diedMs).toBeLessThan(600);
  });

  it('takes the servers of a process that hangs off when their lease ends, and lists them again when it goes on', async () => {
    const { untilServers } = await watch(600);
    const writer = write(600, 'hung');
    await untilServers('hung');
    await writer.signal('SIGSTOP');
    await untilServers();
    await writer.signal('SIGCONT');
    await untilServers('hung');
  });

  it('takes a server off when its own lease ends, though it looks for the dead far less often itself', async () => {
    const { untilServers } = await watch(60_000);
    const writer = write(600, 'brief');
    await untilServers('brief');
    await writer.signal('SIGKILL');
    const diedMs = clock.now();
    await untilServers();
    expect(clock.now() - diedMs).toBeLessThan(600);
  });

  it('gives the name of a dead process to whoever comes, even to an older incarnation', async () => {
    const writer = write(60_000, 'host-1');
    const { untilServers } = await watch(60_000);
    await untilServers('host-1');
    await writer.signal('SIGKILL');
    const heard = new Heard(open().register(aRegistration({ incarnation: '0000', address: 'tcp://127.0.0.1:1' })), all);
    expect(await heard.until()).toBe('registered');
  });

  it('completes the registration of another process whose name a newer incarnation takes', async () => {
    const writer = write(60_000, 'host-1');
    const { heard, untilServers } = await watch();
    await untilServers('host-1');
    const newer = new Heard(open().register(aRegistration({ incarnation: '9999' })), all);
    await newer.until();
    await heard.until(([server]) => server?.incarnation === '9999');
    expect(await writer.stop()).toBe(0);
    expect((await firstValueFrom(open().watch(aRegistration()))).map(({ incarnation }) => incarnation)).toEqual(['9999']);
  });

  it('keeps a name for the later of two registrations of one incarnation, and then for the earlier', async () => {
    const node = open();
    const { heard } = await watch();
    const earlier = new Heard(node.register(aRegistration({ address: 'tcp://127.0.0.1:1' })), all);
    await earlier.until();
    const later = new Heard(node.register(aRegistration({ address: 'tcp://127.0.0.1:2' })), all);
    await heard.until(([server]) => server?.address === 'tcp://127.0.0.1:2');
    later.stop();
    await heard.until(([server]) => server?.address === 'tcp://127.0.0.1:1');
    expect(heard.values.at(-1)).toHaveLength(1);
  });

  it('fails all who use it when its files are removed, and serves them anew when they try again', async () => {
    const registration = aRegistration({ leaseMs: 300 });
    const node = open(300);
    const held = new Heard(node.register(registration), all);
    await held.until();
    const watched = new Heard(node.watch(registration), all);
    await watched.until();
    // At one go, for it puts back files that are missing while their folder is there.
    rmSync(directory, { recursive: true });
    const removed = /^\[undeliverable\] the directory .* fails: /;
    await expect(held.end()).rejects.toThrow(removed);
    await expect(watched.end()).rejects.toThrow(removed);
    const again = new Heard(node.register(registration), all);
    await again.until();
    expect(namesOf(await firstValueFrom(node.watch(registration)))).toEqual(['host-1']);
  });
});

describe('the local directory', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await newFolder();
  });

  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  it('is made for its user alone', async () => {
    const directory = join(folder, 'of', 'skein');
    LocalMatchmaker.open({ directory }, ports);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  it('is by default in the runtime folder where the user has one, else in the one for temporary files', () => {
    const temporary = join(tmpdir(), `skein-${String(process.getuid?.())}`);
    expect(defaultDirectory({ XDG_RUNTIME_DIR: folder })).toBe(join(folder, 'skein'));
    expect(defaultDirectory({ XDG_RUNTIME_DIR: join(folder, 'none') })).toBe(temporary);
    expect(defaultDirectory({})).toBe(temporary);
  });

  it('is not by default in a runtime folder that another user left in the environment', () => {
    vi.spyOn(process, 'getuid').mockReturnValue(54_321);
    expect(defaultDirectory({ XDG_RUNTIME_DIR: folder })).toBe(join(tmpdir(), 'skein-54321'));
  });

  it('has a folder for each start of the machine, and loses those that no one has used for an hour', async () => {
    const folders = async () => (await readdir(folder)).sort();
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
    for (const name of ['matchmaker-1-earlier', 'matchmaker-1-lately', 'something-else']) await mkdir(join(folder, name));
    await utimes(join(folder, 'matchmaker-1-earlier'), hoursAgo, hoursAgo);
    const node = LocalMatchmaker.open({ directory: folder }, ports);
    await firstValueFrom(node.watch(aRegistration()));
    expect(await folders()).toEqual([`matchmaker-1-${bootId()}`, 'matchmaker-1-lately', 'something-else'].sort());
  });

  it.each(['777', '755', '710'])('is refused where others can enter it, of mode %s, behind a link too', async (mode) => {
    const directory = join(folder, 'open');
    await mkdir(directory);
    await chmod(directory, Number.parseInt(mode, 8));
    await symlink(directory, join(folder, 'link'));
    for (const path of [directory, join(folder, 'link')]) {
      expect(() => LocalMatchmaker.open({ directory: path }, ports)).toThrow(
        `[invalid-argument] the directory ${path} can be entered by other users, for its mode is not 0700; remove it, or name another one`,
      );
    }
  });

  it('is refused where another user owns it, or a link to it', () => {
    const theirs = { uid: 1_001, mode: 0o700, isSymbolicLink: () => true };
    expect(privacyProblem(theirs, 1_000)).toBe('belongs to the user 1001, and this process runs as 1000');
    expect(privacyProblem({ ...theirs, uid: 1_000, mode: 0o777 }, 1_000)).toBeUndefined();
    expect(privacyProblem(theirs, undefined)).toBeUndefined();
  });

  it('is refused where it is no directory', async () => {
    expect(() => LocalMatchmaker.open({ directory: '/dev/null/skein' }, ports)).toThrow(
      /^\[invalid-argument\] the directory \/dev\/null\/skein cannot be made: /,
    );
  });
});

describe('the origin of an entry', () => {
  it('knows which of two was made first, however soon the other one follows', () => {
    const times = Array.from({ length: 100 }, machineMs);
    expect(times.slice(1).every((time, i) => time > (times[i] ?? Infinity))).toBe(true);
  });

  const here = ownOrigin();

  it('has not ended while its process runs', () => {
    expect(here.startedAt).toMatch(/^\d+$/);
    expect(hasEnded(here, here)).toBe(false);
  });

  it('has ended where another process has its number now', () => {
    expect(hasEnded({ ...here, startedAt: '1' }, here)).toBe(true);
  });

  it('is unknown in another namespace, where only the lease tells', () => {
    expect(hasEnded({ ...here, pidNamespace: 'pid:[1]', startedAt: '1' }, here)).toBe(false);
  });

  it('has ended with its process, also while no one has taken note of that', async () => {
    // The shell becomes a sleep, which never asks what became of its child.
    const parent = spawn('/bin/sh', ['-c', 'cat & echo $!; exec sleep 60'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const child = { ...here, pid: Number(line.toString()), startedAt: '' };
      parent.stdin.end();
      await vi.waitFor(() => expect(hasEnded(child, here)).toBe(true), 5_000);
      const parentOrigin = { ...here, pid: parent.pid ?? 0, startedAt: '' };
      expect(hasEnded(parentOrigin, here)).toBe(false);
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      expect(hasEnded(parentOrigin, here)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
