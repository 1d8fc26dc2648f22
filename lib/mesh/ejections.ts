import type { Subscription } from 'rxjs';
import type { Clock } from '../ports/clock.js';
import type { Counter } from '../ports/meter.js';
import type { Route } from './route.js';

/** The servers of one topic that get no new work for a time, because they keep failing: never more than half of those that are usable. */
export class Ejections {
  readonly #clock: Clock;
  readonly #ejected: Counter;
  readonly #changed: () => void;
  readonly #out = new Map<Route, Subscription>();

  /** Calls `changed` as one goes or comes back. */
  constructor(clock: Clock, ejected: Counter, changed: () => void) {
    this.#clock = clock;
    this.#ejected = ejected;
    this.#changed = changed;
  }

  /** How many are out. */
  get size(): number {
    return this.#out.size;
  }

  /** Ejects one of the routes, unless too few would be left; it comes back by itself. */
  consider(route: Route, routes: Iterable<Route>): void {
    let usable = 0;
    let out = 1;
    for (const { way, health } of routes) {
      if (!way.isUsable) continue;
      usable += 1;
      if (health.isEjected) out += 1;
    }
    if (out * 2 > usable) return;
    this.#ejected.total += 1;
    const ms = route.health.eject();
    const back = this.#clock.schedule(() => {
      this.#out.delete(route);
      route.health.return();
      this.#changed();
    }, ms);
    this.#out.set(route, back);
    this.#changed();
  }

  /** The route is no longer one of the topic's. */
  forget(route: Route): void {
    this.#out.get(route)?.unsubscribe();
    this.#out.delete(route);
  }

  close(): void {
    for (const route of [...this.#out.keys()]) this.forget(route);
  }
}
