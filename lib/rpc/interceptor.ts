import { defer, type Observable } from 'rxjs';
import type { Context } from '../core/context.js';
import { invalidArgument } from '../core/errors.js';
import { checkCallOptions } from './options.js';

/** A request as interceptors see it, and as they may hand it on, changed. */
export interface Intercepted {
  /** The contract's name. */
  readonly contract: string;
  /** Skein's own methods, `$ping` and `$describe`, pass by too. */
  readonly method: string;
  /** At the server, as its schema yields it. */
  readonly input: unknown;
  readonly context: Context;
}

/**
 * Stands around each request of a node: what it returns takes the place of the request's outcome. `next` hands the request on, each
 * time that it is subscribed. At a client a call's outcome is the first value, and a cast is confirmed when its Observable
 * completes; at a server the first value is the reply. Of a stream or a channel it is all items, which pass one for one: demand goes by them.
 * One may change, delay or add to them, and what it adds waits for its receiver; but it must put something in the place of each that it leaves
 * out, or whoever asked for that waits, at the latest until the deadline of the whole. A server's interceptor refuses a request, which then arrives with that
 * code and has not run, by failing with a SkeinError of the code `forbidden`, `unauthenticated` or `overloaded` before it subscribes
 * to `next`; any other error arrives as `remote-error`. A client's may fail with any SkeinError; what else it fails with is the cause
 * of an `invalid-argument`.
 */
export type Interceptor = (request: Intercepted, next: (request: Intercepted) => Observable<unknown>) => Observable<unknown>;

/** The first of each is the outermost. */
export interface Interceptors {
  readonly client: readonly Interceptor[];
  readonly server: readonly Interceptor[];
}

export type Next = Parameters<Interceptor>[1];

/** All of them around `last`; what one throws is its error, and what it returns in place of an Observable too. */
export const compose = (interceptors: readonly Interceptor[], last: Next): Next =>
  interceptors.reduceRight<Next>((next, intercept) => (request) => defer(() => intercept(request, next)), last);

/** Throws `invalid-argument` where what an interceptor hands on is no request. */
export const checkHandedOn = (request: unknown): void => {
  if (typeof request !== 'object' || request === null || !('context' in request) || request.context === undefined) {
    throw invalidArgument(
      'an interceptor handed on what is no request: change the one that it was given, next({ ...request, … })',
    );
  }
  checkCallOptions({ context: request.context as Context });
};

/** What is wrong with a node's interceptors. */
export const interceptorProblems = (interceptors: unknown): readonly string[] => {
  if (interceptors === undefined) return [];
  if (typeof interceptors !== 'object' || interceptors === null || Array.isArray(interceptors)) {
    return ['interceptors must be { client: […], server: […] }'];
  }
  return Object.entries(interceptors).flatMap(([side, list]: [string, unknown]) => {
    if (side !== 'client' && side !== 'server') return [`interceptors are of client and server, not of ${side}`];
    return list === undefined || (Array.isArray(list) && list.every((one) => typeof one === 'function'))
      ? []
      : [`interceptors.${side} must be a list of functions`];
  });
};
