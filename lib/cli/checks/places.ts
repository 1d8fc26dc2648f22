import { dirname } from 'node:path';
import { socketPath } from '../../node/places.js';
import { type Finding, messageOf } from '../finding.js';

/** The kernel's limit for a socket's path. */
const pathBytesMax = 107;

/** Whether the directory of this user's sockets is there, or can be made, is private, and has a path that is short enough. */
export const checkIpcDirectory = (find: () => string = socketPath): Finding => {
  const check = 'ipc directory';
  try {
    const path = find();
    const bytes = `${String(Buffer.byteLength(path))} of ${String(pathBytesMax)} bytes`;
    return { check, status: 'ok', found: `${dirname(path)} is this user's alone; paths there take ${bytes}` };
  } catch (error) {
    const advice = 'Set XDG_RUNTIME_DIR or TMPDIR to a directory of yours that no one else may enter, with a short path.';
    return { check, status: 'fail', found: messageOf(error), advice };
  }
};
