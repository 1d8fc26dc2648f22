import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { built, root } from '../run.js';
import type { Catch, Game } from './hunt.js';

/** Hunts in a process of its own, in the library that stands in that folder, as it is built. */
export const runHunt = async (first: number, seeds: number, game: Game, folder = built('')): Promise<Catch> => {
  const args = [join(folder, 'test/simulation/hunt.js'), String(first), String(seeds), game];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env: { ...process.env, SKEIN_SEED: '' },
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Catch;
};
