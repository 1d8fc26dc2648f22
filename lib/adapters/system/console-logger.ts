import { Logger } from '../../ports/logger.js';

type Fields = Readonly<Record<string, unknown>>;

/** Writes to a console, by default the process' own. */
export class ConsoleLogger extends Logger {
  readonly #console: Pick<Console, 'debug' | 'info' | 'warn' | 'error'>;

  constructor(to: Pick<Console, 'debug' | 'info' | 'warn' | 'error'> = console) {
    super();
    this.#console = to;
  }

  override debug(message: string, fields?: Fields): void {
    this.#console.debug(...line(message, fields));
  }

  override info(message: string, fields?: Fields): void {
    this.#console.info(...line(message, fields));
  }

  override warn(message: string, fields?: Fields): void {
    this.#console.warn(...line(message, fields));
  }

  override error(message: string, fields?: Fields): void {
    this.#console.error(...line(message, fields));
  }
}

const line = (message: string, fields: Fields | undefined): unknown[] => (fields === undefined ? [message] : [message, fields]);

const silent = (): void => undefined;

/* eslint-disable no-console -- this is the adapter of the console */
/** The process' console for warnings and errors only: what an operator should see of a library that works. */
export const warningsOnly: Pick<Console, 'debug' | 'info' | 'warn' | 'error'> = {
  debug: silent,
  info: silent,
  warn: console.warn.bind(console),
  error: console.error.bind(console),
};
