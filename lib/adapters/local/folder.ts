import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bootId } from './origin.js';

/** Another number is another format of the entries. */
const prefix = 'matchmaker-1';

/** Of other starts of the machine, folders in which no entry came or went for this long, in ms, are taken to be left. */
const leftMs = 3_600_000;

/** Makes the folder for the entries of this start of the machine, and removes what earlier ones left: no entry outlives it. */
export const makeFolder = (directory: string): string => {
  const boot = bootId();
  const own = boot === '' ? prefix : `${prefix}-${boot}`;
  for (const name of readdirSync(directory)) {
    if (name.startsWith(prefix) && name !== own) removeIfLeft(join(directory, name));
  }
  mkdirSync(join(directory, own), { recursive: true, mode: 0o700 });
  return join(directory, own);
};

const removeIfLeft = (folder: string): void => {
  try {
    if (Date.now() - statSync(folder).mtimeMs > leftMs) rmSync(folder, { recursive: true });
  } catch {
    // Another process is removing it.
  }
};
