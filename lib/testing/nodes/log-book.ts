import { formatMs } from '../marbles/draw.js';

/** Lines that a failure shows. */
const shownMax = 10;

/** Keeps what nodes log, to be shown where their scenario fails. */
export class LogBook {
  readonly #frame: () => number;
  readonly #lines: string[] = [];

  /** `frame` says how many ms of the scenario have passed. */
  constructor(frame: () => number) {
    this.#frame = frame;
  }

  /** The logger of that node, which keeps warnings and errors. */
  of(node: string) {
    const ignore = (): void => undefined;
    const keep =
      (level: string) =>
      (message: string, fields?: { readonly error?: unknown }): void => {
        const cause = fields?.error instanceof Error ? `: ${fields.error.message}` : '';
        this.#lines.push(`${formatMs(Math.round(this.#frame()))} ${node} ${level}: ${message}${cause}`);
        if (this.#lines.length > shownMax) this.#lines.shift();
      };
    return { debug: ignore, info: ignore, warn: keep('warns'), error: keep('errs') };
  }

  /** The last lines, or nothing. */
  toString(): string {
    return this.#lines.length === 0 ? '' : `the last that was logged:\n\n${this.#lines.map((line) => `  ${line}`).join('\n')}`;
  }
}
