import { Kind, type MethodEnvelope } from '../core/envelope.js';
import { limits } from '../core/limits.js';
import type { Operation } from '../ports/transport.js';

/** The numbers that one wire's methods go by: each is named once, before its first request. */
export class MethodTable {
  #indexes = new Map<string, Map<Operation, number>>();
  #next = 0;

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
    const { exchange, topic, namespace, version, method } = operation;
    return { kind: Kind.method, index, name: { exchange, topic, server, namespace, version, method } };
  }

  /** Forgets all, as a new wire does. */
  clear(): void {
    this.#indexes = new Map();
    this.#next = 0;
  }
}
