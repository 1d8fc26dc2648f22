import type { StandardSchemaV1 as Schema } from '@standard-schema/spec';
import { Declared, type DeclaredErrorOptions, textOf } from '../core/declared.js';
import { serverStack } from '../core/error-record.js';
import { invalidArgument, isSkeinError, type SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { isA } from './outcomes.js';
import { isSchema, validate } from './schema.js';

/** An error that a contract declares: at both ends of its own class, with data. Its `code` is `remote-error`. */
export interface DeclaredError<N extends string, D> extends SkeinError<'remote-error'> {
  readonly name: N;
  readonly data: D;
}

/** The class of a declared error, or one that extends it; its constructor must go on taking the same. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the neutral element of inference: `unknown` would refuse every class
export interface ErrorClass<N extends string = string, D = any> {
  new (data: D, options?: DeclaredErrorOptions): DeclaredError<N, D>;
  /** What it is called on the wire. */
  readonly errorName: N;
  /** What its data must be, where it comes from another process. */
  readonly dataSchema: Schema<D, D> | undefined;
}

/**
 * The base of an error that contracts declare: `class Full extends defineError('full', schema) {}`. It travels by its name, with
 * its message, its causes and its data, which the schema checks where it arrives. Throws `invalid-argument` for a name that is
 * empty or has more than 255 bytes, and for a schema that is none.
 */
export const defineError = <const N extends string, D = void>(name: N, data?: Schema<D, D>): ErrorClass<N, D> => {
  const problems = [...nameProblems(name), ...schemaProblems(data)];
  if (problems.length > 0) throw invalidArgument(...problems);
  const Defined = class extends Declared {
    static readonly errorName = name;
    static readonly dataSchema = data;

    constructor(given: D, options?: DeclaredErrorOptions) {
      super(name, given, options);
    }
  };
  return Defined as unknown as ErrorClass<N, D>;
};

const nameProblems = (name: unknown): string[] => {
  const bytes = typeof name === 'string' ? new TextEncoder().encode(name).byteLength : 0;
  return bytes > 0 && bytes <= limits.nameBytesMax
    ? []
    : [`the name of an error must be a text of 1 to ${String(limits.nameBytesMax)} bytes`];
};

const schemaProblems = (data: Schema | undefined): string[] =>
  isSchema(data) ? [] : ['the data of an error is no Standard Schema'];

/** What is wrong with the errors that a method declares. */
export const errorsProblems = (key: string, errors: unknown): string[] => {
  if (!Array.isArray(errors)) return [`errors of "${key}" must be an array of classes`];
  const known = errors.filter(isErrorClass);
  const names = known.map(({ errorName }) => errorName);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...(known.length === errors.length ? [] : [`errors of "${key}" must be classes that extend defineError(…)`]),
    ...twice.map((name) => `errors of "${key}" has two that are called ${name}`),
  ];
};

const isErrorClass = (value: unknown): value is ErrorClass => typeof value === 'function' && value.prototype instanceof Declared;

/** Whether a handler threw one of the errors that its method declares. */
export const isDeclared = (thrown: unknown, errors: readonly ErrorClass[]): boolean =>
  errors.length > 0 && isA(thrown, Declared) && errors.some(({ errorName }) => errorName === thrown.name);

/** Data that an error's schema refuses; the error is a plain `remote-error` then. */
class InvalidData extends Error {}

/**
 * A `remote-error` as an instance of the declared class that it names, at once where the schema can; any other error as it is.
 * Throws or rejects with {@link InvalidData} where the data is not what was declared.
 */
export const asDeclared = (error: SkeinError, errors: readonly ErrorClass[]): SkeinError | Promise<SkeinError> => {
  if (!isSkeinError(error, 'remote-error')) return error;
  const { name, details } = error.details;
  const Class = errors.find(({ errorName }) => errorName === name);
  if (!Class) return error;
  const refuse = (cause: unknown): never => {
    throw new InvalidData(`the data of ${name} is not what its contract declares`, { cause });
  };
  try {
    // Without a schema, no data is what was sent as `undefined`.
    const data = Class.dataSchema ? validate(Class.dataSchema, details) : (details ?? undefined);
    return data instanceof Promise
      ? data.then((valid) => instanceOf(Class, valid, error)).catch(refuse)
      : instanceOf(Class, data, error);
  } catch (cause) {
    return refuse(cause);
  }
};

const instanceOf = (Class: ErrorClass, data: unknown, plain: SkeinError<'remote-error'>): SkeinError => {
  const error = new Class(data, { message: textOf(plain), cause: plain.cause });
  if (!Object.is(error.data, data)) throw new TypeError(`the constructor of ${Class.errorName} does not take data and options`);
  // The one that there is on this side only says where the answer was read.
  if (plain.stack?.includes(serverStack) === true) error.stack = plain.stack;
  return error;
};
