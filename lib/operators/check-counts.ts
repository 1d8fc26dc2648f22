import { invalidArgument } from '../core/errors.js';

/** Throws `invalid-argument`, every problem listed, unless each is a whole number from 1, or Infinity. */
export const checkCounts = (operator: string, counts: Readonly<Record<string, number>>): void => {
  const problems = Object.entries(counts)
    .filter(([, count]) => !isCount(count))
    .map(([name, count]) => `${operator}: ${name} is ${String(count)}: give a whole number from 1, or Infinity`);
  if (problems.length > 0) throw invalidArgument(...problems);
};

/** Whether it is a whole number from 1, or Infinity. */
const isCount = (count: unknown): boolean =>
  typeof count === 'number' && count >= 1 && (Number.isInteger(count) || count === Infinity);
