/** Something that happens at an instant. */
export interface Event {
  readonly atMs: number;
  /** Breaks ties: of two events at one instant the one that was scheduled first is first. */
  readonly sequence: number;
  /** Where it stands in its timeline; kept by the timeline. */
  place: number;
}

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);

/** Events by time, earliest first: a binary heap, from which any event can be taken out in O(log n). */
export class Timeline<E extends Event> {
  readonly #heap: E[] = [];

  get size(): number {
    return this.#heap.length;
  }

  peek(): E | undefined {
    return this.#heap[0];
  }

  add(event: E): void {
    this.#rise(event, this.#heap.length);
  }

  /** Does nothing for an event that is not in it. */
  remove(event: E): void {
    const place = event.place;
    if (this.#heap[place] !== event) return;
    const last = this.#heap.pop() as E;
    event.place = -1;
    if (last === event) return;
    const parent = this.#heap[(place - 1) >> 1];
    if (place > 0 && parent !== undefined && isBefore(last, parent)) this.#rise(last, place);
    else this.#sink(last, place);
  }

  #rise(event: E, from: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#heap[above] as E;
      if (!isBefore(event, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    this.#put(event, place);
  }

  #sink(event: E, from: number): void {
    const size = this.#heap.length;
    let place = from;
    for (let below = place * 2 + 1; below < size; below = place * 2 + 1) {
      const right = this.#heap[below + 1];
      if (right !== undefined && isBefore(right, this.#heap[below] as E)) below += 1;
      const child = this.#heap[below] as E;
      if (!isBefore(child, event)) break;
      this.#put(child, place);
      place = below;
    }
    this.#put(event, place);
  }

  #put(event: E, place: number): void {
    this.#heap[place] = event;
    event.place = place;
  }
}
