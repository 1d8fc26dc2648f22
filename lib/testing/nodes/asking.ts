import type { Place } from '../time/place.js';

/** What the scenario waits for. */
export class Asking {
  readonly #what: string;
  readonly #place: Place;

  constructor(what: string, place: Place) {
    this.#what = what;
    this.#place = place;
  }

  toString(): string {
    const place = String(this.#place);
    return `a request is left pending: ${this.#what}${place === '' ? '' : `, made at ${place}`}`;
  }
}
