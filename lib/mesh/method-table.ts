import { Kind, type MethodEnvelope } from '../core/envelope.js';
import { limits } from '../core/limits.js';
import type { Operation, Outgoing } from '../ports/transport.js';

/** The first number is no method's for long: a request that may have waited long takes it as it leaves, and says so in the same message. */
const passing = 0;

const named = (index: number, server: string, operation: Operation): MethodEnvelope => {
  const { exchange, topic, namespace, version, method } = operation;
  return { kind: Kind.method, index, name: { exchange, topic, server, namespace, version, method } };
};

/** Has the request go by a number that cannot have become another method's; what says so goes right before it. */
export const nameAlong = (request: Outgoing): MethodEnvelope => {
  request.method = passing;
  return named(passing, request.server, request.operation);
};

/** The numbers that one wire's methods go by: each is named once, before its first request. */
export class MethodTable {
  #indexes = new Map<string, Map<Operation, number>>();
  #next = passing + 1;

  /** The number of a server's operation on this wire, if it has one yet. */
  find(server: string, operation: Operation): number | undefined {
    return this.#indexes.get(server)?.get(operation);
  }

  /** Gives the operation the next number, and the envelope that says so. */
  name(server: string, operation: Operation): MethodEnvelope {
    // Numbers beyond the bound start again; whoever had one before is named anew when it is next used.
    if (this.#next === limits.methodsMax) this.clear();
    const index = this.#next;
    this.#next += 1;
    const ofServer = this.#indexes.get(server) ?? new Map<Operation, number>();
    this.#indexes.set(server, ofServer.set(operation, index));
    return named(index, server, operation);
  }

  /** Forgets all, as a new wire does. */
  clear(): void {
    this.#indexes = new Map();
    this.#next = passing + 1;
  }
}
