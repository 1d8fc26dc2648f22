import { fileURLToPath } from 'node:url';

/** Orders name files of the project, wherever a process was started. */
export const project = fileURLToPath(new URL('../..', import.meta.url));
