import { readdirSync, readFileSync } from 'node:fs';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../node/system.js';
import { sleep } from './waiting.js';

/**
 * Each program of `skein up` leads a process group of its own, so that what it starts can be ended with it. What leaves the group
 * (by setsid, as daemons do) is beyond reach.
 */

/** Whether anyone in the group still runs. */
export const isGroupAlive = (group: number): boolean => signalGroup(group, 0) && !hasOnlyEnded(group);

/** Says whether there was anyone to signal. */
export const signalGroup = (group: number, name: NodeJS.Signals | 0): boolean => signal(-group, name);

export const signal = (pid: number, name: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, name);
  } catch (error) {
    // Someone whom we may not signal is there all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Tells the group to end, and kills what is left of it after `stopMs`; resolves when no one runs any more. */
export const endGroup = async (group: number, stopMs: number, clock: Clock): Promise<'ended' | 'killed'> => {
  if (!isGroupAlive(group)) return 'ended';
  signalGroup(group, 'SIGTERM');
  const isGone = (): boolean => !isGroupAlive(group);
  if (await comesTrue(isGone, stopMs, clock)) return 'ended';
  signalGroup(group, 'SIGKILL');
  await comesTrue(isGone, limits.flushMs, clock);
  return 'killed';
};

/** Says whether all of them have ended within so long. */
export const haveEnded = (pids: readonly number[], withinMs: number, clock: Clock): Promise<boolean> =>
  comesTrue(() => !pids.some((pid) => isRunning(statOf(String(pid)))), withinMs, clock);

/** Who was started by that process itself; no one where the system does not tell. */
export const childrenOf = (parent: number): readonly number[] =>
  allPids()
    .filter((pid) => statOf(pid)?.[1] === String(parent))
    .map(Number);

/** Looks again and again: the system tells of the end of children only, and not of theirs. */
const comesTrue = async (condition: () => boolean, withinMs: number, clock: Clock): Promise<boolean> => {
  const until = clock.now() + withinMs;
  while (!condition()) {
    const leftMs = until - clock.now();
    if (leftMs <= 0) return false;
    await sleep(Math.min(limits.leftoverMs, leftMs), clock);
  }
  return true;
};

/** Whether all of the group have ended and no one has asked how, as their new parent may never do. */
const hasOnlyEnded = (group: number): boolean => {
  const stats = allPids()
    .map(statOf)
    .filter((stat) => stat?.[2] === String(group));
  return stats.length > 0 && !stats.some(isRunning);
};

const allPids = (): readonly string[] => {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
};

type Stat = readonly string[] | undefined;

const isRunning = (stat: Stat): boolean => stat !== undefined && !/^[ZXx]$/.test(stat[0] ?? '');

/** From the third field on: state, parent, group; proc(5)'s stat. */
const statOf = (pid: string): Stat => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has just ended.
    return undefined;
  }
};
