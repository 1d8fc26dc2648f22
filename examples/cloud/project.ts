import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Orders name files of the project, wherever a process was started. */
export const project = dirname(fileURLToPath(import.meta.resolve('skein/package.json')));
