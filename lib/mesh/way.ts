import type { SkeinError } from '../core/errors.js';
import type { Registration } from '../ports/matchmaker.js';
import type { Link } from './link.js';
import type { LinkState } from './link-peer.js';

/** The way to one peer: its link, which is made as it is used first. What is known of a peer but not used costs next to nothing. */
export class Way {
  readonly key: string;
  readonly address: string;
  readonly incarnation: string;
  /** The servers that are reached by it. */
  readonly servers = new Set<Registration>();
  readonly #make: (way: Way) => Link;
  #made: Link | undefined;

  constructor({ address, incarnation }: Registration, make: (way: Way) => Link) {
    this.key = keyOf({ address, incarnation });
    this.address = address;
    this.incarnation = incarnation;
    this.#make = make;
  }

  get link(): Link {
    return (this.#made ??= this.#make(this));
  }

  /** The link, if it has been used. */
  get made(): Link | undefined {
    return this.#made;
  }

  get state(): LinkState {
    return this.#made?.state ?? 'idle';
  }

  get isUsable(): boolean {
    return this.#made?.isUsable ?? true;
  }

  get isDown(): boolean {
    return this.#made?.isDown ?? false;
  }

  /** Why the last attempt to reach the peer failed. */
  get whyDown(): SkeinError | undefined {
    return this.#made?.whyDown;
  }
}

/** What two entries have in common that are reached by one link. */
export const keyOf = ({ address, incarnation }: Pick<Registration, 'address' | 'incarnation'>): string =>
  `${address} ${incarnation}`;
