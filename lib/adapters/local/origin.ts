import { readFileSync, readlinkSync } from 'node:fs';

/** Which process made an entry, told apart from all that had or will have its number. */
export interface Origin {
  /** The space in which its number counts; empty where the system does not tell. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** In ticks since the machine started; empty where the system does not tell. */
  readonly startedAt: string;
}

/** Names this start of the machine; empty where the system does not tell. */
export const bootId = (): string => orEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());

export const ownOrigin = (): Origin => ({
  pidNamespace: orEmpty(() => readlinkSync('/proc/self/ns/pid')),
  pid: process.pid,
  startedAt: statOf(process.pid)?.startedAt ?? '',
});

/** Whether a process is known to have ended, as seen from `here`; of one in another namespace nothing is known. */
export const hasEnded = (origin: Origin, here: Origin): boolean => {
  if (origin.pidNamespace !== here.pidNamespace) return false;
  if (!isRunning(origin.pid)) return true;
  const stat = statOf(origin.pid);
  return stat !== undefined && (stat.isEnded || (origin.startedAt !== '' && stat.startedAt !== origin.startedAt));
};

/**
 * Ms since some instant that all processes of the machine share. Unlike the wall clock it is never set, and a sleep of the machine
 * does not end every lease. Fine enough to tell which of two entries was made first.
 */
export const machineMs = (): number => Number(process.hrtime.bigint()) / 1_000_000;

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
};

/** Fields 3 and 22 of proc(5)'s stat; a zombie has ended, though its number is still taken. */
const statOf = (pid: number): { readonly isEnded: boolean; readonly startedAt: string } | undefined => {
  const stat = orEmpty(() => readFileSync(`/proc/${String(pid)}/stat`, 'latin1'));
  // The process' name comes before them, in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' ? undefined : { isEnded: /^[ZXx]$/.test(fields[0] ?? ''), startedAt: fields[19] ?? '' };
};

const orEmpty = (read: () => string): string => {
  try {
    return read();
  } catch {
    return '';
  }
};
