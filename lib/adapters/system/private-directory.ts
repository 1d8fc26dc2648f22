import { lstatSync, mkdirSync, type Stats, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { invalidArgument } from '../../core/errors.js';

/**
 * Where a user's processes meet: `skein` in `$XDG_RUNTIME_DIR` where that is the user's own, which after `su` it is not, else
 * `skein-<uid>` in the folder for temporary files.
 */
export const defaultDirectory = (environment: NodeJS.ProcessEnv = process.env): string => {
  const runtime = environment.XDG_RUNTIME_DIR ?? '';
  if (runtime !== '' && ownerOf(runtime) === ownUid()) return join(runtime, 'skein');
  return join(tmpdir(), `skein-${String(ownUid() ?? userInfo().username)}`);
};

/** Makes the directory, if there is none, for this user alone. Throws `invalid-argument` where others own it or may enter it. */
export const makePrivate = (directory: string): void => {
  let stats: Stats[];
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Of a link both count, since whoever owns it may lead it elsewhere at any time.
    stats = [lstatSync(directory), statSync(directory)];
  } catch (error) {
    throw invalidArgument(`the directory ${directory} cannot be made: ${(error as Error).message}`);
  }
  for (const stat of stats) {
    const problem = privacyProblem(stat, ownUid());
    if (problem !== undefined) throw invalidArgument(`the directory ${directory} ${problem}; remove it, or name another one`);
  }
};

/** Why a user's processes must not trust a folder, or a link to it; undefined where they may. */
export const privacyProblem = (
  stat: Pick<Stats, 'uid' | 'mode' | 'isSymbolicLink'>,
  uid: number | undefined,
): string | undefined => {
  if (uid === undefined) return undefined;
  if (stat.uid !== uid) return `belongs to the user ${String(stat.uid)}, and this process runs as ${String(uid)}`;
  return !stat.isSymbolicLink() && (stat.mode & 0o077) !== 0
    ? 'can be entered by other users, for its mode is not 0700'
    : undefined;
};

/** Null where the folder is not there, or is out of this user's sight. */
const ownerOf = (folder: string): number | null => {
  try {
    return statSync(folder).uid;
  } catch {
    return null;
  }
};

/** Undefined on systems that keep each user's temporary files apart themselves. */
const ownUid = (): number | undefined => process.getuid?.();
