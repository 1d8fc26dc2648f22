/** What is to be closed, last opened first; each is given its turn, whatever the one before it did. */
export class Closers {
  readonly #stack: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#stack.push(close);
  }

  /** Closes all; rejects with what failed, once all had their turn. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#stack.pop(); close; close = this.#stack.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some of the node could not be closed');
  }
}
