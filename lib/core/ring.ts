/**
 * A bounded first-in, first-out queue on a circular array that grows by doubling up to its bound. It is the primitive beneath
 * every mailbox: a loop drains it, so no depth of backlog can overflow the stack.
 */
export class Ring<T> {
  readonly max: number;
  #slots: (T | undefined)[] = new Array<T | undefined>(16);
  #head = 0;
  #size = 0;

  constructor(max: number) {
    this.max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes the value in, unless the queue is full. */
  push(value: T): boolean {
    if (this.#size >= this.max) return false;
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = value;
    this.#size += 1;
    return true;
  }

  /** The oldest value, left in place. */
  peek(): T | undefined {
    return this.at(0);
  }

  /** The value with `index` older ones before it, left in place. */
  at(index: number): T | undefined {
    return index < this.#size ? this.#slots[(this.#head + index) & (this.#slots.length - 1)] : undefined;
  }

  /** All values, oldest first, left in place. */
  *[Symbol.iterator](): Iterator<T> {
    for (let index = 0; index < this.#size; index += 1) yield this.at(index) as T;
  }

  /** The newest value, left in place. */
  last(): T | undefined {
    return this.#size === 0 ? undefined : this.#slots[(this.#head + this.#size - 1) & (this.#slots.length - 1)];
  }

  /** Removes the newest value. */
  pop(): T | undefined {
    if (this.#size === 0) return undefined;
    const at = (this.#head + this.#size - 1) & (this.#slots.length - 1);
    const value = this.#slots[at];
    this.#slots[at] = undefined;
    this.#size -= 1;
    return value;
  }

  /** Removes the oldest value. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const value = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size -= 1;
    return value;
  }

  /** Removes the oldest that is that value, at the cost of those before it; false if there is none. */
  remove(value: T): boolean {
    let index = 0;
    while (index < this.#size && this.at(index) !== value) index += 1;
    if (index === this.#size) return false;
    const mask = this.#slots.length - 1;
    for (; index > 0; index -= 1) this.#slots[(this.#head + index) & mask] = this.#slots[(this.#head + index - 1) & mask];
    this.shift();
    return true;
  }

  /** Removes and returns all, oldest first. */
  drain(): T[] {
    const all: T[] = [];
    while (this.#size > 0) all.push(this.shift() as T);
    this.#slots = new Array<T | undefined>(16);
    this.#head = 0;
    return all;
  }

  /** Keeps only the values that pass, in order; returns how many went. */
  retain(passes: (value: T) => boolean): number {
    const before = this.#size;
    for (let left = before; left > 0; left -= 1) {
      const value = this.shift() as T;
      if (passes(value)) this.push(value);
    }
    return before - this.#size;
  }

  #grow(): void {
    const length = this.#slots.length;
    const wider = new Array<T | undefined>(length * 2);
    for (let i = 0; i < this.#size; i += 1) wider[i] = this.#slots[(this.#head + i) & (length - 1)];
    this.#slots = wider;
    this.#head = 0;
  }
}
