import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../lib/core/fair-queue.js';

interface Item {
  readonly key: string;
  readonly at: number;
  readonly isFirm: boolean;
}

const isFirm = (item: Item): boolean => item.isFirm;

/** The same with arrays: lanes in the order of their turns. */
class Model {
  readonly #max: number;
  #lanes: Item[][] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#lanes.flat().length;
  }

  of(key: string): Item[] {
    return this.#lanes.find(([first]) => first?.key === key) ?? [];
  }

  get keys(): string[] {
    return this.#lanes.map(([first]) => first?.key ?? '');
  }

  offer(item: Item): Item | undefined {
    const own = this.of(item.key);
    const free = this.#max - this.size;
    if (free > 0) {
      if (item.isFirm && own.filter(isFirm).length >= 7 * free) return item;
      this.#add(item);
      return undefined;
    }
    const others = this.#lanes.filter((lane) => lane.length > own.length + 1 && lane.at(-1)?.isFirm === false);
    const most = Math.max(0, ...others.map(({ length }) => length));
    if (most === 0) return item;
    this.#add(item);
    // Of several that are equally long, either may be taken: the queue says which.
    return {
      key: others
        .filter(({ length }) => length === most)
        .map(([first]) => first?.key)
        .join(),
      at: -1,
      isFirm: false,
    };
  }

  giveUp(key: string): Item | undefined {
    return this.of(key).pop();
  }

  shift(): Item | undefined {
    const lane = this.#lanes.shift();
    const item = lane?.shift();
    if (lane && lane.length > 0) this.#lanes.push(lane);
    return item;
  }

  retain(passes: (item: Item) => boolean): void {
    this.#lanes = this.#lanes.map((lane) => lane.filter(passes)).filter(({ length }) => length > 0);
  }

  #add(item: Item): void {
    const own = this.of(item.key);
    if (own.length === 0) this.#lanes.push([item]);
    else own.push(item);
  }
}

const key = fc.constantFrom('a', 'a', 'a', 'b', 'c', 'd');
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('offer' as const), key, isFirm: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('shift' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retain' as const) }) },
);

describe('a fair queue', () => {
  it('does what lanes in arrays do', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.nat(20), (steps, max) => {
        const [queue, model] = [new FairQueue<Item>(max, isFirm), new Model(max)];
        steps.forEach((next, at) => {
          if (next.do === 'shift') expect(queue.shift()).toEqual(model.shift());
          else if (next.do === 'retain') {
            const before = model.size;
            model.retain((item) => item.at % 3 !== 0);
            expect(queue.retain((item) => item.at % 3 !== 0)).toBe(before - model.size);
          } else {
            const item = { key: next.key, at, isFirm: next.isFirm };
            const [out, expected] = [queue.offer(item.key, item), model.offer(item)];
            if (expected === undefined || expected === item) expect(out).toBe(expected);
            else {
              expect(expected.key.split(',')).toContain(out?.key);
              expect(out).toEqual(model.giveUp(out?.key ?? ''));
            }
          }
          expect(queue.size).toBe(model.size);
        });
        const rest: Item[] = [];
        for (let item = model.shift(); item; item = model.shift()) rest.push(item);
        expect(queue.drain()).toEqual(rest);
        expect(queue.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('gives each key its turn, however much another one has waiting', () => {
    const queue = new FairQueue<string>(1_000);
    for (let i = 0; i < 500; i += 1) queue.offer('flood', `flood ${String(i)}`);
    for (const name of ['a', 'b']) for (const i of [1, 2]) queue.offer(name, `${name} ${String(i)}`);
    expect(Array.from({ length: 7 }, () => queue.shift())).toEqual(['flood 0', 'a 1', 'b 1', 'flood 1', 'a 2', 'b 2', 'flood 2']);
    expect(queue.shift()).toBe('flood 3');
  });

  it('takes from the longest for who has less, the newest first, until they are level', () => {
    const queue = new FairQueue<string>(6);
    for (let i = 1; i <= 6; i += 1) expect(queue.offer('flood', `flood ${String(i)}`)).toBeUndefined();
    expect(queue.offer('flood', 'flood 7')).toBe('flood 7');
    expect(queue.offer('a', 'a 1')).toBe('flood 6');
    expect(queue.offer('a', 'a 2')).toBe('flood 5');
    expect(queue.offer('a', 'a 3')).toBe('flood 4');
    expect(queue.offer('a', 'a 4')).toBe('a 4');
    expect(queue.drain()).toEqual(['flood 1', 'a 1', 'flood 2', 'a 2', 'flood 3', 'a 3']);
  });

  it('never gives up what is firm, and so lets one key have seven eighths of that at the most', () => {
    const queue = new FairQueue<Item>(1_024, isFirm);
    const offer = (name: string, firm: boolean) => queue.offer(name, { key: name, at: 0, isFirm: firm });
    let taken = 0;
    while (offer('flood', true) === undefined) taken += 1;
    expect(taken).toBe(896);
    let others = 0;
    while (offer('other', true) === undefined) others += 1;
    expect(others).toBeGreaterThan(100);
    expect(queue.size).toBeLessThan(1_024);
    while (offer('caller', false) === undefined);
    expect(queue.size).toBe(1_024);
    expect(queue.drain().filter(isFirm)).toHaveLength(taken + others);
  });

  it('lets one key fill a short queue', () => {
    const queue = new FairQueue<Item>(7, isFirm);
    const offer = () => queue.offer('a', { key: 'a', at: 0, isFirm: true });
    expect(Array.from({ length: 8 }, offer).map((out) => out === undefined)).toEqual([
      ...new Array<boolean>(7).fill(true),
      false,
    ]);
  });

  it('takes nothing in where it has no places', () => {
    const queue = new FairQueue<number>(0);
    expect(queue.offer('a', 1)).toBe(1);
    expect(queue.shift()).toBeUndefined();
  });
});
