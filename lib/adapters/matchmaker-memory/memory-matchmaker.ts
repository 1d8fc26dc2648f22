import { Observable } from 'rxjs';
import type { TopicName } from '../../core/target.js';
import { Matchmaker, type Registration } from '../../ports/matchmaker.js';
import type { MemoryRegistry } from './memory-registry.js';

/** Introduces the nodes that share a registry. Tells at once, within the very call that changes it; there are no leases. */
export class MemoryMatchmaker extends Matchmaker {
  readonly #registry: MemoryRegistry;

  constructor(registry: MemoryRegistry) {
    super();
    this.#registry = registry;
  }

  override register(registration: Registration): Observable<'registered'> {
    const registry = this.#registry;
    return registry.untilOutage(
      new Observable<'registered'>((subscriber) => {
        const listing = { registration, lose: () => subscriber.complete() };
        subscriber.add(() => registry.remove(listing));
        if (registry.add(listing)) subscriber.next('registered');
        else subscriber.complete();
      }),
    );
  }

  override watch(topic: TopicName): Observable<readonly Registration[]> {
    return this.#registry.untilOutage(this.#registry.watch(topic));
  }

  override watchAll(): Observable<readonly Registration[]> {
    return this.#registry.untilOutage(this.#registry.watchAll());
  }
}
