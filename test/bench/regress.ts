import { isAtRate, type MissingRow, type Row, ratiosTo } from './compare.js';
import { median } from './pace.js';

type Rows = readonly (Row | MissingRow)[];

/** What was compared, how often Skein was what the other one is, and how often it was so before. */
export interface Change {
  readonly what: string;
  readonly ratio: number;
  readonly before: number;
}

/** Ratios that both have, which are the same on every machine, but for its noise. */
export const changes = (rows: Rows, before: Rows): readonly Change[] => {
  const known = new Map(ratiosOf(before));
  return ratiosOf(rows).flatMap(([what, ratio]) => {
    const was = known.get(what);
    return was === undefined ? [] : [{ what, ratio, before: was }];
  });
};

/** Those that fell by more than the tolerance, a part of 1. */
export const regressions = (all: readonly Change[], tolerance: number): readonly Change[] =>
  all.filter(({ ratio, before }) => !(ratio >= before * (1 - tolerance)));

export const showChange = ({ what, ratio, before }: Change): string =>
  `${what}: ${ratio.toFixed(2)} ×, was ${before.toFixed(2)} × (${ratio < before ? '−' : '+'}${Math.abs((ratio / before - 1) * 100).toFixed(0)} %)`;

const ratiosOf = (rows: Rows): readonly (readonly [what: string, ratio: number])[] => {
  const measured = rows.filter((row): row is Row => 'runs' in row && !isAtRate(row.bench));
  const skein = new Map(measured.filter(({ system }) => system === 'skein').map((row) => [caseOf(row), row]));
  return measured
    .filter(({ system }) => system !== 'skein')
    .flatMap((row) => {
      const own = skein.get(caseOf(row));
      return own ? [[`${caseOf(row)} against ${row.system}`, median(ratiosTo(row, own))] as const] : [];
    });
};

const caseOf = ({ bench, network, window, payloadBytes, servers }: Row): string =>
  `${bench} ${network} ${String(window)} of ${String(payloadBytes)} bytes${servers > 1 ? ` to ${String(servers)}` : ''}`;
