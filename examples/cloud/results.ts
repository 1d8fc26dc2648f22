import { readdir, readFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Order, type Result, resultSchema } from './contracts.js';

/** Where instances commit what they found: one folder for all computes, which stays when they have ended. */
export const resultsFolder = (): string => process.env.CLOUD_RESULTS ?? join(tmpdir(), `skein-cloud-${userInfo().username}`);

/** What the files say, whatever anyone was told. */
export interface Recount {
  readonly results: readonly Result[];
  /** Orders without a result. */
  readonly lost: readonly string[];
  /** Results that were to be committed where there was one already. */
  readonly doubled: number;
}

export const recount = async (folder: string, orders: readonly Order[]): Promise<Recount> => {
  const names = new Set(await list(join(folder, 'results')));
  const done = orders.filter(({ id }) => names.has(`${id}.json`));
  const read = async ({ id }: Order): Promise<Result> =>
    resultSchema.parse(JSON.parse(await readFile(join(folder, 'results', `${id}.json`), 'utf8')));
  return {
    results: await Promise.all(done.map(read)),
    lost: orders.filter(({ id }) => !names.has(`${id}.json`)).map(({ id }) => id),
    doubled: (await list(join(folder, 'doubled'))).length,
  };
};

/** Folders are made when they are needed. */
const list = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
};
