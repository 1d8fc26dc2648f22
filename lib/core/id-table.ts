/** 2 ** 32 by the golden ratio. */
const golden = 0x9e3779b1;

/** A power of two, as all lengths are. */
const slotsMin = 16;

const emptySlots = <T>(length: number): (T | undefined)[] => new Array<T | undefined>(length).fill(undefined);

/**
 * What is under way, by its number: a hash table with open addressing and linear probing (D. E. Knuth, The Art of Computer Programming 3,
 * 6.4, algorithms L and R; numbers that follow one another are scattered by his multiplicative hash, or they would form one long run to be
 * searched), whose memory is made once for each size. A `Map` makes new memory every few entries that come and go, and
 * each leads to the next: once one is old, V8 takes all that comes after it, and all that it held, for alive until it marks the whole heap.
 */
export class IdTable<T extends { readonly id: number }> {
  #slots = emptySlots<T>(slotsMin);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    return this.#slots[this.#find(id)];
  }

  /** In the place of what has the same number. */
  set(value: T): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    const at = this.#find(value.id);
    if (this.#slots[at] === undefined) this.#size += 1;
    this.#slots[at] = value;
  }

  /** Whether it was there. */
  delete(id: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#find(id);
    if (slots[hole] === undefined) return false;
    this.#size -= 1;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const next = slots[at];
      if (next === undefined) break;
      // It may close the hole unless that lies before the place that it is looked for from.
      if (((at - this.#home(next.id)) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = next;
      hole = at;
    }
    slots[hole] = undefined;
    return true;
  }

  /** All, by their numbers. */
  values(): T[] {
    return this.#slots.filter((value) => value !== undefined).sort((a, b) => a.id - b.id);
  }

  clear(): void {
    this.#slots = emptySlots(slotsMin);
    this.#size = 0;
  }

  /** Where that number is looked for first. */
  #home(id: number): number {
    return Math.imul(id, golden) >>> (Math.clz32(this.#slots.length) + 1);
  }

  /** Where that number is, or may be put. */
  #find(id: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = this.#home(id);
    for (let value = slots[at]; value !== undefined && value.id !== id; value = slots[at]) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = emptySlots(before.length * 2);
    for (const value of before) if (value !== undefined) this.#slots[this.#find(value.id)] = value;
  }
}
