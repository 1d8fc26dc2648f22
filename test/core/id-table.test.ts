import { describe, expect, it } from 'vitest';
import { IdTable } from '../../lib/core/id-table.js';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';

interface Entry {
  readonly id: number;
  readonly text: string;
}

describe('a table of what is under way', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('has at each moment what a Map would have, by seed %i', (seed) => {
    const random = new SeededRandom(seed);
    const pick = (below: number): number => Math.floor(random.next() * below);
    const [table, map] = [new IdTable<Entry>(), new Map<number, Entry>()];
    // Some numbers fall into the same places, some lie beyond 32 bits.
    const numbers = [...Array.from({ length: 40 }, (_, i) => i), ...[16, 32, 1_024, 2 ** 32, 2 ** 40].map((more) => more + 3)];
    for (let step = 0; step < 4_000; step += 1) {
      const id = numbers[pick(seed < 5 ? 12 : numbers.length)] as number;
      if (pick(2) === 0) {
        const entry = { id, text: String(step) };
        table.set(entry);
        map.set(id, entry);
      } else expect(table.delete(id)).toBe(map.delete(id));
      expect(table.size).toBe(map.size);
      const looked = numbers[pick(numbers.length)] as number;
      expect(table.get(looked)).toBe(map.get(looked));
    }
    expect(table.values()).toEqual([...map.values()].sort((a, b) => a.id - b.id));
    table.clear();
    expect([table.size, table.values(), table.get(1)]).toEqual([0, [], undefined]);
  });

  it('keeps a thousand that stay apart from a hundred thousand that come and go', () => {
    const table = new IdTable<Entry>();
    const entry = (id: number): Entry => ({ id, text: '' });
    for (let id = 0; id < 1_000; id += 1) table.set(entry(id * 7));
    for (let id = 10_000; id < 110_000; id += 1) {
      table.set(entry(id));
      if (id >= 10_064) expect(table.delete(id - 64)).toBe(true);
    }
    expect(table.size).toBe(1_064);
    expect(table.values().slice(0, 3)).toEqual([entry(0), entry(7), entry(14)]);
  });
});
