import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Catch, Game } from './hunt.js';

const root = join(import.meta.dirname, '../..');

/** Hunts in a process of its own, in the library that stands in that folder. */
export const runHunt = async (first: number, seeds: number, game: Game, folder = root): Promise<Catch> => {
  const args = ['--import', 'tsx', join(folder, 'test/simulation/hunt.ts'), String(first), String(seeds), game];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env: { ...process.env, SKEIN_SEED: '' },
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Catch;
};
