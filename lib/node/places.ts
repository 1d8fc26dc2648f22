import { defaultDirectory, makePrivate } from '../adapters/system/private-directory.js';
import { ipcEndpoint } from '../adapters/wires/ipc-endpoint.js';

/** Where `zmq+local://` finds servers. */
export const localDirectory = (): string => defaultDirectory();

/** A socket's file, as nodes make them for `ipc://*`; makes their directory. Throws `invalid-argument` where it must not be used. */
export const socketPath = (): string => ipcEndpoint('ipc://skein', { path: defaultDirectory(), makePrivate }).path;
