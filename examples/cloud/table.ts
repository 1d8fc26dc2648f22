import { styleText } from 'node:util';
import type { Report } from './contracts.js';
import type { Member, MemberState } from './member.js';
import type { Snapshot } from './snapshot.js';

const barWidth = 28;

/** What runs where, for a terminal of so many columns. */
export const table = (
  members: readonly Pick<Member, 'name' | 'kind' | 'pid' | 'state'>[],
  snapshot: Snapshot,
  columns: number,
): string => {
  const rows = members.map((member) => {
    const { name, kind, pid, state } = member;
    const head = `${name.padEnd(12)} ${String(pid).padStart(7)}  ${paint(state)}`;
    return `${head}  ${kind === 'compute' ? computeCells(member.name, state, snapshot, columns - 34) : ''}`.trimEnd();
  });
  const title = dim(`${'PROCESS'.padEnd(12)} ${'PID'.padStart(7)}  ${'STATE'.padEnd(8)}  RUNS`.padEnd(Math.min(columns, 76)));
  return [progress(snapshot), '', title, ...rows, ''].join('\n');
};

const progress = ({ status }: Snapshot): string => {
  const filled = status.orders === 0 ? 0 : Math.floor((status.done / status.orders) * barWidth);
  const bar = styleText('cyan', '█'.repeat(filled)) + dim('░'.repeat(barWidth - filled));
  const counts = [`${String(status.done)} of ${String(status.orders)} orders done`, `${String(status.running)} running`];
  if (status.retries > 0) counts.push(`${String(status.retries)} placed anew`);
  if (status.failed > 0) counts.push(styleText('red', `${String(status.failed)} failed`));
  return `${bar} ${counts.join(', ')}`;
};

/** Its instances, a square for each place, and what its host last reported. */
const computeCells = (name: string, state: MemberState, { running, reports }: Snapshot, width: number): string => {
  const report = reports.find(({ compute }) => compute === name);
  if (state !== 'live' || !report) return '';
  const ids = running.filter(({ compute }) => compute === name).map(({ id }) => id);
  const places = '■'.repeat(Math.min(ids.length, report.capacity)).padEnd(report.capacity, '□');
  const host = sayHost(report);
  const list = cut(ids.join(' '), width - report.capacity - host.length - 4);
  return `${styleText('green', places)}  ${dim(host)}  ${list}`;
};

const sayHost = ({ load, freeMemory, freeDisk }: Report): string =>
  `load ${load.toFixed(1).padStart(4)}  free ${gibibytes(freeMemory)} memory${gibibytes(freeDisk)} disk`;

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)}G`.padStart(6);

const cut = (text: string, width: number): string =>
  text.length <= width ? text : width < 2 ? '' : `${text.slice(0, width - 1)}…`;

const colours = { starting: 'yellow', live: 'green', draining: 'yellow', ended: 'gray', killed: 'red' } as const;

const paint = (state: MemberState): string => styleText(colours[state], state.padEnd(8));

const dim = (text: string): string => styleText('dim', text);
