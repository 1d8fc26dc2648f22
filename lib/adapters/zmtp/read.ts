import { connect, type NetConnectOpts, Socket } from 'node:net';
import { platform } from 'node:process';

/** Takes what has come, which is there until it returns. */
export type Take = (bytes: Buffer) => void;

/** What is read at once: some batches, or a good part of something large. */
const readBytes = 256 * 1024;

let shared: Buffer | undefined;

/** All sockets read into the same memory, since each is heard before the next one reads; but on Windows they read ahead. */
const memory = (): Buffer => {
  if (platform === 'win32') return Buffer.allocUnsafeSlow(readBytes / 4);
  return (shared ??= Buffer.allocUnsafeSlow(readBytes));
};

const reading = (take: Take) => ({
  buffer: memory(),
  callback: (count: number, bytes: Uint8Array): boolean => {
    take(bytes.subarray(0, count) as Buffer);
    return true;
  },
});

/** Connects a socket that tells what it reads. */
export const connectReading = (options: ConnectOptions, take: Take): Socket =>
  connect({ ...options, onread: reading(take) } as NetConnectOpts);

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
export const acceptReading = (accepted: Socket, highWaterMark: number, take: Take): Socket => {
  const handled = accepted as Handled;
  const handle = handled._handle;
  if (typeof handle?.useUserBuffer !== 'function') return accepted.on('data', take).resume();
  handled._handle = null;
  const options = { handle, readable: true, writable: true, highWaterMark, onread: reading(take) };
  const socket = new Socket(options);
  accepted.destroy();
  return socket;
};
