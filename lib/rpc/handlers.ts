import { invalidArgument } from '../core/errors.js';
import type { Contract, Method, ShapeOf } from './contract.js';
import type { Reply } from './first-value.js';
import { isRequests, type Requests } from './requests.js';
import type { HandlerContext } from './work.js';

/**
 * How a verb is handled: a function of each request, or of all of them with `requests`. What a cast's handler returns is waited
 * for, and dropped.
 */
export type Handler<M> =
  M extends Method<infer V>
    ? {
        call:
          | ((input: ShapeOf<M>['parsed'], context: HandlerContext) => Reply<ShapeOf<M>['output']>)
          | Requests<ShapeOf<M>['parsed'], ShapeOf<M>['output']>;
        cast: ((input: ShapeOf<M>['parsed'], context: HandlerContext) => unknown) | Requests<ShapeOf<M>['parsed'], void>;
      }[V]
    : never;

export type Handlers<C extends Contract> = { readonly [K in keyof C['methods']]: Handler<C['methods'][K]> };

/** Throws `invalid-argument` where a method has no handler, or a handler no method. */
export const checkHandlers = (contract: Contract, handlers: Readonly<Record<string, unknown>>): void => {
  if (typeof handlers !== 'object' || (handlers as unknown) === null) {
    throw invalidArgument(`the handlers of ${contract.name} must be an object: { method: (input) => reply }`);
  }
  const missing = Object.keys(contract.methods).filter(
    (name) => typeof handlers[name] !== 'function' && !isRequests(handlers[name]),
  );
  const unknown = Object.keys(handlers).filter((name) => !Object.hasOwn(contract.methods, name));
  const problems = [
    ...missing.map((name) => `${contract.name}.${name} has no handler: give a function, or requests(…)`),
    ...unknown.map((name) => `${contract.name} has no method ${name}`),
  ];
  if (problems.length > 0) throw invalidArgument(...problems);
};
