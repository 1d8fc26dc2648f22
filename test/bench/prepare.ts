import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import type { Role } from './messages.js';
import { endWithHarness, signalGroup } from './programs.js';

/** What a system needs besides its two sides, for as long as it is measured. */
export interface Prepared {
  /** What its server is told first. */
  readonly address: string;
  readonly end: () => Promise<void>;
}

/** What a system needs is not on this machine. */
export class Missing extends Error {}

/** Throws {@link Missing}. */
export const prepare = (system: Role['system'], folder: string): Promise<Prepared> =>
  preparations[system]?.(folder) ?? Promise.resolve({ address: '', end: () => Promise.resolve() });

/** The first of the programs that is there. */
const find = (name: string, debian: string, ...places: readonly string[]): string => {
  const folders = (process.env.PATH ?? '').split(':').map((folder) => join(folder, name));
  const found = [...places, ...folders, `/usr/sbin/${name}`].find((path) => existsSync(path));
  if (found === undefined) throw new Missing(`there is no ${name}: install Debian's ${debian}`);
  return found;
};

const startNats = async (): Promise<Prepared> => {
  const port = await freePort();
  const child = launch(find('nats-server', 'nats-server'), ['-a', '127.0.0.1', '-p', String(port)]);
  await said(child, child.stderr, 'Server is ready');
  return { address: `127.0.0.1:${String(port)}`, end: () => stop(child) };
};

/** A broker with nothing but AMQP, and the daemon that Erlang needs beside it; all in a folder of their own. */
const startRabbit = async (folder: string): Promise<Prepared> => {
  const [port, distribution, epmdPort] = [await freePort(), await freePort(), await freePort()];
  // Debian's own wrapper is for the system's one server.
  const program = find('rabbitmq-server', 'rabbitmq-server', '/usr/lib/rabbitmq/bin/rabbitmq-server');
  const epmd = launch(find('epmd', 'erlang-base'), ['-port', String(epmdPort), '-address', '127.0.0.1']);
  for (const name of ['data', 'log']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${String(port)}\n`);
  writeFileSync(join(folder, 'plugins'), '[].\n');
  const child = launch(program, [], {
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `bench-${String(port)}@localhost`,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  });
  await said(child, child.stdout, 'completed with');
  const end = async (): Promise<void> => {
    await stop(child);
    await stop(epmd);
  };
  return { address: `amqp://127.0.0.1:${String(port)}`, end };
};

const compileLibzmq = async (folder: string): Promise<Prepared> => {
  const binary = join(folder, 'libzmq');
  const source = fileURLToPath(new URL('../../test/bench/libzmq.c', import.meta.url));
  const { error, status, stderr } = spawnSync('cc', ['-O2', '-o', binary, source, '-lzmq'], { encoding: 'utf8' });
  if (error) throw new Missing("there is no C compiler: install Debian's gcc");
  if (status !== 0) {
    throw new Missing(`libzmq cannot be compiled with: install Debian's libzmq3-dev (${stderr.split('\n')[0] ?? ''})`);
  }
  return Promise.resolve({ address: binary, end: () => Promise.resolve() });
};

const preparations: { readonly [S in Role['system']]?: (folder: string) => Promise<Prepared> } = {
  nats: startNats,
  rabbitmq: startRabbit,
  libzmq: compileLibzmq,
};

/** Starts a program that leads a group of its own, for what it starts is to end with it. */
const launch = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
  const child = endWithHarness(spawn(program, args, { env: { ...process.env, ...env }, detached: true }));
  child.stdin.end();
  for (const output of [child.stdout, child.stderr]) output.resume();
  return child;
};

/** Waits until the program has said so. */
const said = (child: ChildProcess, output: Readable, words: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let heard = '';
    output.setEncoding('utf8').on('data', (text: string) => {
      heard = (heard + text).slice(-10_000);
      if (heard.includes(words)) resolve();
    });
    child.once('error', reject).once('exit', (code) => {
      reject(new Error(`${child.spawnfile} ended with ${String(code)}: ${heard}`));
    });
  });

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  signalGroup(child, 'SIGTERM');
  await exited;
};
