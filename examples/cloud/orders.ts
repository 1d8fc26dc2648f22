import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { type Order, orderSchema } from './contracts.js';

/** More than this waits nowhere: several files are as good. */
const ordersMax = 10_000;

const problemsMax = 10;

/** An order file that cannot be used, with all that is wrong with it. */
export class OrderFileError extends Error {
  override readonly name = 'OrderFileError';
}

/** Reads a file of one order a line, as JSON. Rejects with an {@link OrderFileError} that names the lines. */
export const readOrders = async (file: string): Promise<readonly Order[]> => {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new OrderFileError(`${file} cannot be read (${sayFailure(error)}): name a file of orders`);
  });
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }));
  const read = lines.filter(({ line }) => line.trim() !== '').map(({ line, number }) => ({ number, ...readOrder(line) }));
  const problems = read.flatMap(({ number, problem }) => (problem === undefined ? [] : [`line ${String(number)}: ${problem}`]));
  const orders = read.flatMap(({ order }) => order ?? []);
  problems.push(...duplicates(read));
  if (read.length === 0) problems.push('it has no orders');
  if (orders.length > ordersMax) problems.push(`it has ${String(orders.length)} orders, and may have ${String(ordersMax)}`);
  if (problems.length > 0) throw new OrderFileError([`${file} is no file of orders:`, ...atMost(problems)].join('\n  '));
  return orders;
};

type Read = { readonly order: Order; readonly problem?: undefined } | { readonly order?: undefined; readonly problem: string };

const readOrder = (line: string): Read => {
  try {
    const { success, data, error } = orderSchema.safeParse(JSON.parse(line));
    return success ? { order: data } : { problem: error.issues.map(sayIssue).join('; ') };
  } catch (error) {
    return { problem: `no JSON: ${sayFailure(error)}` };
  }
};

const sayIssue = ({ path, message }: z.core.$ZodIssue): string => (path.length > 0 ? `${path.join('.')}: ${message}` : message);

const sayFailure = (error: unknown): string =>
  error instanceof Error ? error.message.replace(/, \w+ '.*'$/s, '') : String(error);

/** The second of two orders of one id, wherever it stands. */
const duplicates = (read: readonly (Read & { readonly number: number })[]): readonly string[] => {
  const lines = new Map<string, number>();
  return read.flatMap(({ number, order }) => {
    if (!order) return [];
    const first = lines.get(order.id);
    if (first !== undefined) return [`line ${String(number)}: the id ${order.id} is that of line ${String(first)}`];
    lines.set(order.id, number);
    return [];
  });
};

const atMost = (problems: readonly string[]): readonly string[] =>
  problems.length <= problemsMax
    ? problems
    : [...problems.slice(0, problemsMax), `and ${String(problems.length - problemsMax)} problems more`];
