import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { invalidArgument, SkeinError } from '../../core/errors.js';
import type { Endpoint } from './endpoint.js';

/** What the kernel takes: 108 bytes, the last of them 0. */
const pathBytesMax = 107;

const scheme = 'ipc://';

/** The files that this adapter makes. */
const ownName = /^[0-9a-f]{32}\.sock$/;

const youngMs = 60_000;

/** One look at so many files; the next listener looks again. */
const tidiedMax = 256;

/** Where the sockets are that have no path of their own. */
export interface IpcDirectory {
  readonly path: string;
  /** Makes it, if it is not there, for this user alone: others could put sockets of their own into it. */
  readonly makePrivate: (directory: string) => void;
}

/**
 * Turns `ipc://NAME`, any name of any length, into a file of the user's own directory; a name that starts with `/` is the file
 * itself. All processes of one user that have the same directory mean the same by the same name.
 */
export const ipcEndpoint = (address: string, directory: IpcDirectory): Required<Endpoint> => {
  const name = address.slice(scheme.length);
  if (name === '') throw invalidArgument(`"${address}" names nothing: write ipc://NAME`);
  const path = name.startsWith('/')
    ? name
    : join(directory.path, `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.sock`);
  const bytes = Buffer.byteLength(path);
  if (bytes > pathBytesMax) {
    throw invalidArgument(
      `the socket ${path} has a path of ${String(bytes)} bytes, and at most ${String(pathBytesMax)} are allowed`,
    );
  }
  if (!name.startsWith('/')) directory.makePrivate(directory.path);
  return { endpoint: `${scheme}${path}`, isIpv6: false, path };
};

/**
 * Makes way for a listener. Binding would take the path from whoever listens there, without a word: refuses with
 * `undeliverable` if someone does, and removes the file that a dead process left.
 */
export const claimPath = async (path: string): Promise<void> => {
  const code = await knock(path);
  if (code === 'ENOENT') return;
  if (code !== 'ECONNREFUSED') {
    throw new SkeinError('undeliverable', { reason: `${scheme}${path} is taken: someone listens there` });
  }
  rmSync(path, { force: true });
};

/**
 * Removes the sockets beside this one that dead processes left. Young ones are left alone, for there is an instant at which a
 * new one does not answer yet.
 */
export const tidyBeside = async (path: string, nowMs: number): Promise<void> => {
  const directory = dirname(path);
  const old = readdirSync(directory)
    .filter((name) => ownName.test(name))
    .map((name) => join(directory, name))
    .filter((file) => nowMs - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? nowMs) > youngMs)
    .slice(0, tidiedMax);
  for (const file of old) if ((await knock(file)) === 'ECONNREFUSED') rmSync(file, { force: true });
};

/** Tells one file at a path from the next. */
export const fileMark = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

/** Removes the socket's file, unless another one is there by now. */
export const removeFile = (path: string, mark: number | undefined): void => {
  if (mark !== undefined && fileMark(path) === mark) rmSync(path, { force: true });
};

const knock = (path: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
  });
