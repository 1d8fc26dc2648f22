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
export const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    // Someone whom we may not signal is there all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Tells the group to end, and kills what is left of it after `stopMs`; resolves when no one runs any more. */
export const endGroup = async (group: number, stopMs: number, clock: Clock): Promise<'ended' | 'killed'> => {
  if (!isGroupAlive(group)) return 'ended';
  signalGroup(group, 'SIGTERM');
  if (await isGone(group, stopMs, clock)) return 'ended';
  signalGroup(group, 'SIGKILL');
  await isGone(group, limits.flushMs, clock);
  return 'killed';
};

/** Looks again and again: the system tells of the end of children only, and not of theirs. */
const isGone = async (group: number, withinMs: number, clock: Clock): Promise<boolean> => {
  const until = clock.now() + withinMs;
  while (isGroupAlive(group)) {
    const leftMs = until - clock.now();
    if (leftMs <= 0) return false;
    await sleep(Math.min(limits.leftoverMs, leftMs), clock);
  }
  return true;
};

/** Whether all of the group have ended and no one has asked how, as their new parent may never do: proc(5)'s stat, fields 3 and 5. */
const hasOnlyEnded = (group: number): boolean => {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return false;
  }
  const states = pids.map(statOf).filter((stat) => stat?.[2] === String(group));
  return states.length > 0 && states.every((stat) => /^[ZXx]$/.test(stat?.[0] ?? ''));
};

const statOf = (pid: string): readonly string[] | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It has just ended.
    return undefined;
  }
};
