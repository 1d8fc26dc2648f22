import { connect, type NetConnectOpts, Socket } from 'node:net';
import { platform } from 'node:process';

/** Who a socket tells what it reads. */
export interface Reader {
  /** Takes what has come, which is there until it returns. */
  hear(bytes: Buffer): void;
  /** Where the next bytes are to be put, if anywhere: something large is read to where it stays. */
  readonly room: Buffer | undefined;
}

/** The reader, once there is one. */
type Ask = () => Reader | undefined;

/** What is read at once: some batches, or a good part of something large. */
const readBytes = 256 * 1024;

let shared: Buffer | undefined;

/** All sockets read into the same memory, since each is heard before the next one reads; but on Windows they read ahead. */
const memory = (): Buffer => {
  if (platform === 'win32') return Buffer.allocUnsafeSlow(readBytes / 4);
  return (shared ??= Buffer.allocUnsafeSlow(readBytes));
};

const reading = (ask: Ask) => {
  const own = memory();
  return {
    buffer: (): Buffer => ask()?.room ?? own,
    callback: (count: number, bytes: Uint8Array): boolean => {
      ask()?.hear(bytes.subarray(0, count) as Buffer);
      return true;
    },
  };
};

/** Connects a socket that tells what it reads. */
export const connectReading = (options: ConnectOptions, ask: Ask): Socket =>
  connect({ ...options, onread: reading(ask) } as NetConnectOpts);

/** `highWaterMark` is missing in their types. */
type ConnectOptions = ({ readonly path: string } | { readonly host: string; readonly port: number }) & {
  readonly highWaterMark: number;
};

/** What Node keeps below its sockets, which is not in its documentation. */
interface Handled {
  _handle?: { readonly useUserBuffer?: unknown } | null;
}

/**
 * A socket that tells what it reads, in the place of one that has been accepted and is paused. Node has this for sockets that connect
 * only, so it takes over the handle; where there is none to take over, the socket itself is read.
 */
export const acceptReading = (accepted: Socket, highWaterMark: number, ask: Ask): Socket => {
  const handled = accepted as Handled;
  const handle = handled._handle;
  if (typeof handle?.useUserBuffer !== 'function') return accepted.on('data', (bytes) => ask()?.hear(bytes)).resume();
  handled._handle = null;
  const options = { handle, readable: true, writable: true, highWaterMark, onread: reading(ask) };
  const socket = new Socket(options);
  accepted.destroy();
  return socket;
};
