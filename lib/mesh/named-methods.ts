import type { MethodName } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { Desk } from '../ports/transport.js';

/** Where requests go; its generation changes whenever a server comes or goes, so that what was found before may no longer hold. */
export interface Desks {
  readonly generation: number;
  find(method: MethodName): Desk | SkeinError;
}

/** A method that a wire has named, and where its requests go, as found when the desks were of that generation. */
interface NamedMethod {
  readonly name: MethodName;
  generation: number;
  desk: Desk | SkeinError;
}

/** The methods that one wire has named, by their numbers. */
export class NamedMethods {
  readonly #desks: Desks;
  readonly #named: NamedMethod[] = [];

  constructor(desks: Desks) {
    this.#desks = desks;
  }

  name(index: number, name: MethodName): void {
    if (index >= limits.methodsMax) throw malformed(`a method is numbered ${String(index)}, beyond the bound`);
    this.#named[index] = { name, generation: -1, desk: notFoundYet };
  }

  /** Looked up anew only where the desks have changed. */
  find(index: number): Pick<NamedMethod, 'name' | 'desk'> {
    const method = this.#named[index];
    if (!method) throw malformed(`method ${String(index)} was not named on this wire`);
    const { generation } = this.#desks;
    if (method.generation !== generation) {
      method.generation = generation;
      method.desk = this.#desks.find(method.name);
    }
    return method;
  }
}

/** What the other side sent, and may not send. */
export const malformed = (reason: string): SkeinError<'protocol-error'> => new SkeinError('protocol-error', { reason });

const notFoundYet = malformed('not looked up yet');
