import { SkeinError } from './errors.js';

/** What a handler's error says of itself besides its name. */
export interface DeclaredErrorOptions extends ErrorOptions {
  readonly message?: string;
}

/** What errors that contracts declare have in common: they travel by their name, with their data. */
export class Declared extends SkeinError<'remote-error'> {
  readonly data: unknown;

  constructor(name: string, data: unknown, { message = '', ...options }: DeclaredErrorOptions = {}) {
    super('remote-error', { name, code: undefined, details: data }, { ...options, message: nameThenText(name, message) });
    this.name = name;
    this.data = data;
  }
}

/** How a handler's error reads at its caller. */
export const nameThenText = (name: string, text: string): string => (text === '' ? name : `${name}: ${text}`);

/** The text of a handler's error, without the code and the name that stand before it. */
export const textOf = ({ message, details: { name } }: SkeinError<'remote-error'>): string => {
  const start = `[remote-error] ${name}`;
  return message.startsWith(start) ? message.slice(start.length).replace(/^: /, '') : message;
};
