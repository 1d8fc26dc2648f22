import { Ring } from './ring.js';

/** How many times the free places one lane's firm values may take. */
const firmShare = 7;

/** What waits for one key. */
interface Lane<T> {
  key: string;
  readonly values: Ring<T>;
  /** Of its values, those that cannot be given up. */
  firm: number;
}

/**
 * A bounded queue that is fair between keys: each has a lane of its own, first in, first out, and the lanes take turns (deficit
 * round robin, where all values cost the same: M. Shreedhar, G. Varghese, Efficient Fair Queuing using Deficit Round Robin, 1995).
 * When it is full, the longest lane gives up its newest value for a key whose lane stays shorter even so (longest queue drop:
 * B. Suter et al., Design Considerations for Supporting TCP with Per-flow Queueing, 1998). A value that is _firm_ cannot be given up
 * once it is in. So that firm ones cannot shut others out, a lane gets one more of them only while it has fewer than seven times
 * as many as there are free places (dynamic thresholds: A. Choudhury, E. Hahne, Dynamic Queue Length Thresholds for
 * Shared-Memory Packet Switches, 1998); a queue of up to seven places can still be filled by one lane.
 */
export class FairQueue<T> {
  readonly max: number;
  readonly #isFirm: (value: T) => boolean;
  readonly #lanes = new Map<string, Lane<T>>();
  /** The lanes that are not empty, in the order of their turns. */
  readonly #turns: Ring<Lane<T>>;
  #size = 0;
  /** A lane that became empty, for the next one that is needed. */
  #spare: Lane<T> | undefined;

  constructor(max: number, isFirm: (value: T) => boolean = () => false) {
    this.max = max;
    this.#isFirm = isFirm;
    this.#turns = new Ring(max);
  }

  get size(): number {
    return this.#size;
  }

  /** Takes the value in where it has a place; what has none comes back: the value itself, or another one that made room for it. */
  offer(key: string, value: T): T | undefined {
    const isFirm = this.#isFirm(value);
    const known = this.#lanes.get(key);
    const free = this.max - this.#size;
    if (free > 0) {
      if (isFirm && (known?.firm ?? 0) >= firmShare * free) return value;
      this.#add(known ?? this.#open(key), value, isFirm);
      return undefined;
    }
    const longest = this.#longest((known?.values.size ?? 0) + 1);
    if (!longest) return value;
    const newest = longest.values.pop();
    this.#size -= 1;
    this.#add(known ?? this.#open(key), value, isFirm);
    return newest;
  }

  /** All values, lane by lane, left in place. */
  *[Symbol.iterator](): Iterator<T> {
    for (const { values } of this.#turns) yield* values;
  }

  /** Removes the oldest value of the lane whose turn it is. */
  shift(): T | undefined {
    const lane = this.#turns.shift();
    if (!lane) return undefined;
    const value = lane.values.shift() as T;
    this.#size -= 1;
    if (this.#isFirm(value)) lane.firm -= 1;
    if (lane.values.size > 0) this.#turns.push(lane);
    else this.#shut(lane);
    return value;
  }

  /** Removes and returns all, in the order of their turns. */
  drain(): T[] {
    const all: T[] = [];
    while (this.#size > 0) all.push(this.shift() as T);
    return all;
  }

  /** Keeps only the values that pass, in their order; returns how many went. */
  retain(passes: (value: T) => boolean): number {
    const before = this.#size;
    for (let left = this.#turns.size; left > 0; left -= 1) {
      const lane = this.#turns.shift() as Lane<T>;
      this.#size -= lane.values.retain((value) => {
        const stays = passes(value);
        if (!stays && this.#isFirm(value)) lane.firm -= 1;
        return stays;
      });
      if (lane.values.size > 0) this.#turns.push(lane);
      else this.#shut(lane);
    }
    return before - this.#size;
  }

  #add(lane: Lane<T>, value: T, isFirm: boolean): void {
    lane.values.push(value);
    this.#size += 1;
    if (isFirm) lane.firm += 1;
    if (lane.values.size === 1) this.#turns.push(lane);
  }

  /** Of the lanes that hold more than so many values, the longest that can give one up. */
  #longest(floor: number): Lane<T> | undefined {
    let longest: Lane<T> | undefined;
    let size = floor;
    for (const lane of this.#lanes.values()) {
      if (lane.values.size <= size || this.#isFirm(lane.values.last() as T)) continue;
      longest = lane;
      size = lane.values.size;
    }
    return longest;
  }

  #open(key: string): Lane<T> {
    const lane = this.#spare ?? { key, values: new Ring<T>(this.max), firm: 0 };
    this.#spare = undefined;
    lane.key = key;
    this.#lanes.set(key, lane);
    return lane;
  }

  #shut(lane: Lane<T>): void {
    this.#lanes.delete(lane.key);
    this.#spare = lane;
  }
}
