import { Observable, type Subscription } from 'rxjs';
import { currentDoer, type Doer } from '../current.js';
import { Place } from '../time/place.js';
import { isCalledByUsers } from './caller.js';

/* eslint-disable @typescript-eslint/unbound-method, @typescript-eslint/no-deprecated -- a method is put in the place of another one, and back */

/** Where users' code has asked for what is subscribed at present, if that was before. */
let asked: Place | undefined;

/** Does what users' code asked for there. */
export const onBehalfOf = (place: Place, work: () => void): void => {
  asked = place;
  try {
    work();
  } finally {
    asked = undefined;
  }
};

/** A subscription that users' code has made. */
interface Made {
  readonly place: Place;
  /** In whose process, if in any. */
  readonly doer: Doer | undefined;
  /** The one within which it was made, if any. */
  readonly outer: Subscription | undefined;
}

/**
 * Knows which subscriptions of users' code are open, with where they were made: those of the scenario, of programs and of handlers. What is
 * subscribed by a subscription is that one's own affair, as long as it is open itself; what nodes subscribe is theirs.
 */
export class SubscriptionWatch {
  readonly #open = new Map<Subscription, Made>();
  /** What has been subscribed by what is being subscribed at present, if anything is. */
  #inner: Subscription[] | undefined;
  #uninstall: (() => void) | undefined;

  /** Where each was made. A process that has died has left nothing. */
  get open(): readonly string[] {
    const all = [...this.#open.values()];
    const alive = all.filter(({ doer }) => doer?.wasKilled !== true);
    // What was left behind may be shared with a process that has died, for which nobody lets go.
    const mayBeHeld = alive.length < all.length;
    const left = alive.filter(({ outer }) => outer === undefined || (outer.closed && !mayBeHeld));
    return [...new Set(left.map(({ place }) => String(place)))].filter((place) => place !== '');
  }

  install(): void {
    const real = Observable.prototype.subscribe;
    const note = (make: () => Subscription): Subscription => this.#note(make, subscribe);
    const subscribe = function (this: Observable<unknown>, ...args: unknown[]): Subscription {
      return note(() => real.apply(this, args as []));
    };
    Observable.prototype.subscribe = subscribe;
    this.#uninstall = () => {
      Observable.prototype.subscribe = real;
    };
  }

  uninstall(): void {
    this.#uninstall?.();
    this.#open.clear();
  }

  #note(make: () => Subscription, subscribe: (...given: never[]) => unknown): Subscription {
    if (this.#inner) {
      const subscription = make();
      if (!subscription.closed) this.#inner.push(subscription);
      return subscription;
    }
    const inner: Subscription[] = [];
    this.#inner = inner;
    try {
      const outer = make();
      if (!outer.closed || inner.length > 0) this.#keepIfUsers(outer, inner, subscribe);
      return outer;
    } finally {
      this.#inner = undefined;
    }
  }

  #keepIfUsers(outer: Subscription, inner: readonly Subscription[], subscribe: (...given: never[]) => unknown): void {
    const doer = currentDoer();
    if (!asked && doer && !isCalledByUsers(subscribe)) return;
    const place = asked ?? new Place();
    this.#keep(outer, { place, doer, outer: undefined });
    for (const one of inner) this.#keep(one, { place, doer, outer });
  }

  #keep(subscription: Subscription, made: Made): void {
    if (subscription.closed) return;
    this.#open.set(subscription, made);
    subscription.add(() => this.#open.delete(subscription));
  }
}
