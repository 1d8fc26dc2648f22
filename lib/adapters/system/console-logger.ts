import { inspect } from 'node:util';
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
    this.#write('debug', message, fields);
  }

  override info(message: string, fields?: Fields): void {
    this.#write('info', message, fields);
  }

  override warn(message: string, fields?: Fields): void {
    this.#write('warn', message, fields);
  }

  override error(message: string, fields?: Fields): void {
    this.#write('error', message, fields);
  }

  /** A log that fails is told to the process, and stops nothing that works. */
  #write(level: Level, message: string, fields: Fields | undefined): void {
    try {
      this.#console[level](...line(message, fields));
    } catch (error) {
      process.emitWarning(`the logger failed at "${message}": ${inspect(error)}`, 'SkeinWarning');
    }
  }
}

type Level = 'debug' | 'info' | 'warn' | 'error';

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
