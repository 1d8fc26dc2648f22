import Table from 'cli-table3';
import { colours } from './colours.js';

const noBorder = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((place) => [place, '']),
);

/** Columns with their names above; a column of which all cells are empty is left out. Cells may have several lines. */
export const formatTable = (names: readonly string[], rows: readonly (readonly string[])[]): string => {
  const used = names.map((_, column) => column === 0 || rows.some((row) => row[column] !== ''));
  const table = new Table({
    chars: { ...noBorder, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  for (const row of [names.map((name) => colours.dim(name)), ...rows]) table.push(row.filter((_, column) => used[column]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
};
