/** A message that is in its mailbox. A promise is made only where someone asks, so that whoever does not care cannot leave one unhandled. */
export const sent: PromiseLike<undefined> = {
  then: (fulfilled, rejected) => Promise.resolve(undefined).then(fulfilled, rejected),
};

/** A message that was not taken in. */
export const unsent = (error: unknown): PromiseLike<undefined> => ({
  then: (fulfilled, rejected) => Promise.reject<undefined>(error as Error).then(fulfilled, rejected),
});

/** A message that waits for room. */
export class Sending implements PromiseLike<undefined> {
  #promise: Promise<undefined> | undefined;
  #settle: ((how: PromiseLike<undefined>) => void) | undefined;
  #how: PromiseLike<undefined> | undefined;

  then<A = undefined, B = never>(
    fulfilled?: ((value: undefined) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#promise ??= new Promise((resolve) => {
      if (this.#how) resolve(this.#how);
      else this.#settle = resolve;
    });
    return this.#promise.then(fulfilled, rejected);
  }

  /** It is sent, or unsent, by now. */
  end(how: PromiseLike<undefined>): void {
    this.#how = how;
    this.#settle?.(how);
  }
}
