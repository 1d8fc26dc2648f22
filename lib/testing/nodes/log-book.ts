import type { NodeOptions } from '../../node/options.js';
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

  /** The logger of that node, which keeps warnings and errors, and hands all on to its own where it has one; `failed` is told of wrong expectations. */
  of(node: string, failed: (error: unknown) => void, own?: NodeOptions['logger']): NonNullable<NodeOptions['logger']> {
    const at =
      (level: 'debug' | 'info' | 'warn' | 'error', said?: string) =>
      (message: string, fields?: Readonly<Record<string, unknown>>): void => {
        own?.[level](message, fields);
        const error = fields?.error;
        if (said !== undefined) this.#keep(`${node} ${said}: ${message}${error instanceof Error ? `: ${error.message}` : ''}`);
        // Nobody else may ever hear of it: who sent a cast does not.
        if (isAssertion(error)) failed(error);
      };
    return { debug: at('debug'), info: at('info'), warn: at('warn', 'warns'), error: at('error', 'errs') };
  }

  #keep(line: string): void {
    this.#lines.push(`${formatMs(Math.round(this.#frame()))} ${line}`);
    if (this.#lines.length > shownMax) this.#lines.shift();
  }

  /** The last lines, or nothing. */
  toString(): string {
    return this.#lines.length === 0 ? '' : `the last that was logged:\n\n${this.#lines.map((line) => `  ${line}`).join('\n')}`;
  }
}

/** Whether it says that an expectation of a test was wrong, whatever the library. */
const isAssertion = (error: unknown): boolean => error instanceof Error && error.name.endsWith('AssertionError');
