import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Figures, Job, Role, System } from './messages.js';

const start = (binary: string, args: readonly string[]) => spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] });

const end = async (child: ChildProcess): Promise<void> => {
  const exited = once(child, 'exit');
  child.kill();
  await exited;
};

/** Whoever pushes is the client, for the items of streams too. */
const isOneWay = (bench: Role['bench']): boolean => bench === 'cast' || bench === 'stream';

/** A program in C on both sides; the address starts with where it is. */
const serve = async ({ address: binary, bench, network, folder, payloadBytes }: Role): Promise<Job> => {
  const at = network === 'tcp' ? 'tcp://127.0.0.1:*' : `ipc://${folder}/libzmq.sock`;
  const child = start(binary, [isOneWay(bench) ? 'serve-casts' : 'serve-calls', at, String(payloadBytes)]);
  const [endpoints] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { address: `${binary} ${endpoints.trim()}`, end: () => end(child) };
};

const connect = ({ address, bench, payloadBytes }: Role): Job => {
  const [binary = '', ...endpoints] = address.split(' ');
  const measure = async (window: number, seconds: number): Promise<Figures> => {
    const ahead = isOneWay(bench) ? [String(payloadBytes)] : [String(payloadBytes), String(window)];
    const child = start(binary, [isOneWay(bench) ? 'cast' : 'call', ...endpoints, ...ahead, String(seconds)]);
    const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    if (child.exitCode !== 0) throw new Error(`the client in C ended with ${String(child.exitCode ?? child.signalCode)}`);
    return JSON.parse(said) as Figures;
  };
  return { address, measure, end: () => undefined };
};

export const libzmq: System = { serve, connect };
