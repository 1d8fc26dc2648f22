import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type Envelope, Kind } from '../../lib/core/envelope.js';
import { Strands } from '../../lib/mesh/strands.js';
import type { Strand, StreamWay } from '../../lib/ports/stream-way.js';

/** Has so many records to say. */
class Talker implements Strand {
  awakeOn: StreamWay | undefined;
  readonly #id: number;
  left: number;

  constructor(id: number, left: number) {
    this.#id = id;
    this.left = left;
  }

  get hasReady(): boolean {
    return this.left > 0;
  }

  fill(batch: Envelope[], max: number): number {
    for (; this.left > 0 && batch.length < max; this.left -= 1) batch.push({ kind: Kind.end, id: this.#id });
    return 0;
  }
}

const filled = (strands: Strands, max: number): readonly number[] => {
  const batch: Envelope[] = [];
  strands.fill(batch, max);
  return batch.map((envelope) => (envelope as { id: number }).id);
};

const oldBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;

describe('what streams have to say', () => {
  it('is said in turns, and once however often they wake', () => {
    const strands = new Strands();
    const [one, two] = [new Talker(1, 100), new Talker(2, 3)];
    for (const strand of [one, two, one]) strands.wake(strand);
    const said = filled(strands, 150);
    expect(said.indexOf(2)).toBeLessThan(said.lastIndexOf(1));
    expect(said).toHaveLength(103);
    expect(strands.hasReady).toBe(false);
  });

  it('goes by the wire that they woke on last', () => {
    const [before, after] = [new Strands(), new Strands()];
    const strand = new Talker(1, 5);
    before.wake(strand);
    after.wake(strand);
    expect(before.hasReady).toBe(false);
    before.clear();
    expect(filled(after, 10)).toHaveLength(5);
  });

  it('leaves nothing old behind', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const strands = new Strands();
    const all = Array.from({ length: 4 }, (_, id) => new Talker(id, 0));
    const batch: Envelope[] = [];
    const talk = (): void => {
      for (const strand of all) {
        strand.left = 1;
        strands.wake(strand);
      }
      strands.fill(batch, 256);
      batch.length = 0;
    };
    talk();
    for (let i = 0; i < 3; i += 1) collect();
    const bytes = oldBytes();
    for (let i = 0; i < 200_000; i += 1) talk();
    expect(oldBytes() - bytes).toBeLessThan(4 * 2 ** 20);
  });
});
