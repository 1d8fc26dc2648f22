/** A stream of this process, written to as fast as it is read. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  #isBroken = false;
  #drained: Promise<void> | undefined;
  #resume: (() => void) | undefined;

  constructor(stream: NodeJS.WriteStream, onBroken: () => void) {
    this.#stream = stream;
    const resume = (): void => {
      this.#resume?.();
      this.#drained = undefined;
    };
    stream.on('drain', resume);
    stream.on('error', () => {
      // Whoever read it has gone: then there is no one to tell of that.
      this.#isBroken = true;
      resume();
      onBroken();
    });
  }

  /** Gives something to wait for where more would be too much. */
  write(line: string): Promise<void> | undefined {
    if (this.#isBroken) return undefined;
    if (!this.#stream.write(`${line}\n`)) this.#drained ??= new Promise((resolve) => (this.#resume = resolve));
    return this.#drained;
  }
}
