import { invalidArgument } from '../core/errors.js';
import type { Source } from '../operators/pull.js';
import type { Stream } from '../operators/stream.js';
import { type Contract, isStreaming, type Method, type ShapeOf } from './contract.js';
import type { Reply } from './first-value.js';
import { isRequests, type Requests } from './requests.js';
import type { HandlerContext } from './work.js';

/** What is sent item by item, now or once it is there. */
type Sourced<T> = Source<T> | PromiseLike<Source<T>>;

/**
 * How a verb is handled: a function of each request, or for calls and casts of all of them with `requests`. What a cast's handler
 * returns is waited for, and dropped. What is sent item by item is asked for as its receiver consumes it, so that it must be able to
 * wait: an async iterable, an array, a Stream, or an Observable within `bounded`.
 */
export type Handler<M> =
  M extends Method<infer V>
    ? {
        call:
          | ((input: ShapeOf<M>['parsed'], context: HandlerContext) => Reply<ShapeOf<M>['output']>)
          | Requests<ShapeOf<M>['parsed'], ShapeOf<M>['output']>;
        stream: (input: ShapeOf<M>['parsed'], context: HandlerContext) => Sourced<ShapeOf<M>['output']>;
        sink: (item$: Stream<ShapeOf<M>['parsed']>, context: HandlerContext<ShapeOf<M>['opened']>) => Reply<ShapeOf<M>['output']>;
        channel: (
          item$: Stream<ShapeOf<M>['parsed']>,
          context: HandlerContext<ShapeOf<M>['opened']>,
        ) => Sourced<ShapeOf<M>['output']>;
        cast: ((input: ShapeOf<M>['parsed'], context: HandlerContext) => unknown) | Requests<ShapeOf<M>['parsed'], void>;
      }[V]
    : never;

export type Handlers<C extends Contract> = { readonly [K in keyof C['methods']]: Handler<C['methods'][K]> };

/** Throws `invalid-argument` where a method has no handler, or a handler no method. */
export const checkHandlers = (contract: Contract, handlers: Readonly<Record<string, unknown>>): void => {
  if (typeof handlers !== 'object' || (handlers as unknown) === null) {
    throw invalidArgument(`the handlers of ${contract.name} must be an object: { method: (input) => reply }`);
  }
  const missing = Object.entries(contract.methods)
    .filter(([name, method]) => typeof handlers[name] !== 'function' && (isStreaming(method) || !isRequests(handlers[name])))
    .map(([name]) => name);
  const unknown = Object.keys(handlers).filter((name) => !Object.hasOwn(contract.methods, name));
  const problems = [
    ...missing.map((name) => `${contract.name}.${name} has no handler: give a function, or for a call or a cast requests(…)`),
    ...unknown.map((name) => `${contract.name} has no method ${name}`),
  ];
  if (problems.length > 0) throw invalidArgument(...problems);
};
