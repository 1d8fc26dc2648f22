import { Observable, type Subscription } from 'rxjs';
import { currentDoer } from '../current.js';
import { Place } from '../time/place.js';

/* eslint-disable @typescript-eslint/unbound-method, @typescript-eslint/no-deprecated -- a method is put in the place of another one, and back */

/**
 * Knows which subscriptions of the scenario's own are open, with where they were made. What is subscribed by a subscription is that
 * one's own affair, and what nodes subscribe is theirs.
 */
export class SubscriptionWatch {
  readonly #open = new Map<Subscription, Place>();
  #depth = 0;
  #uninstall: (() => void) | undefined;

  /** Where each was made. */
  get open(): readonly string[] {
    return [...this.#open.values()].map(String).filter((place) => place !== '');
  }

  install(): void {
    const real = Observable.prototype.subscribe;
    const note = (make: () => Subscription): Subscription => this.#note(make);
    Observable.prototype.subscribe = function (this: Observable<unknown>, ...args: unknown[]): Subscription {
      return note(() => real.apply(this, args as []));
    };
    this.#uninstall = () => {
      Observable.prototype.subscribe = real;
    };
  }

  uninstall(): void {
    this.#uninstall?.();
    this.#open.clear();
  }

  #note(make: () => Subscription): Subscription {
    if (this.#depth > 0 || currentDoer()) return make();
    this.#depth += 1;
    try {
      const subscription = make();
      if (subscription.closed) return subscription;
      this.#open.set(subscription, new Place());
      subscription.add(() => this.#open.delete(subscription));
      return subscription;
    } finally {
      this.#depth -= 1;
    }
  }
}
