import { describe, expect, it } from 'vitest';
import { Kind } from '../../lib/core/envelope.js';
import { limits } from '../../lib/core/limits.js';
import { MethodTable } from '../../lib/mesh/method-table.js';
import type { Operation } from '../../lib/ports/transport.js';
import { operation } from './mesh-world.js';

const methods = (count: number): Operation[] =>
  Array.from({ length: count }, (_, i) => ({ ...operation, method: `m${String(i)}` }));

describe('MethodTable', () => {
  it('gives each operation of each server a number of its own, once', () => {
    const table = new MethodTable();
    const [a, b] = methods(2) as [Operation, Operation];
    expect(table.find('s', a)).toBeUndefined();
    expect(table.name('s', a)).toEqual({ kind: Kind.method, index: 1, name: { ...a, server: 's' } });
    expect(table.name('s', b).index).toBe(2);
    expect(table.name('t', a)).toMatchObject({ index: 3, name: { server: 't' } });
    expect([table.find('s', a), table.find('s', b), table.find('t', a), table.find('t', b)]).toEqual([1, 2, 3, undefined]);
  });

  it('starts again beyond its bound, and names anew who had a number before', () => {
    const table = new MethodTable();
    const all = methods(limits.methodsMax - 1);
    const numbers = all.map((one) => table.name('s', one).index);
    expect(numbers.at(-1)).toBe(limits.methodsMax - 1);
    const [another] = methods(1) as [Operation];
    expect(table.name('t', another).index).toBe(numbers[0]);
    expect(all.some((one) => table.find('s', one) !== undefined)).toBe(false);
    expect(table.find('t', another)).toBe(numbers[0]);
  });

  it('forgets all at once', () => {
    const table = new MethodTable();
    table.name('s', operation);
    table.clear();
    expect(table.find('s', operation)).toBeUndefined();
    expect(table.name('s', operation).index).toBe(1);
  });
});
