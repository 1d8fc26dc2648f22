import { type Envelope, Kind } from '../core/envelope.js';
import { farewells } from './gone.js';

/** What a listening side says on one wire, up to its goodbye, behind which nothing is said. */
export class LeaveTaking {
  /** Whether the peer is to be told that nothing more is started here, and whether it was. */
  isLeaving = false;
  #hasLeft = false;
  /** Records said on this wire. */
  #said = 0;

  /** Counts what is about to be said; the goodbye among it says how much there was before it. */
  count(batch: readonly Envelope[]): Envelope[] {
    if (this.#hasLeft) return [];
    const before = this.isLeaving ? batch.findIndex(({ kind }) => kind === Kind.goodbye) : -1;
    this.#hasLeft = before >= 0;
    this.#said += this.#hasLeft ? before : batch.length;
    return this.#hasLeft ? [...batch.slice(0, before), farewell(this.#said)] : (batch as Envelope[]);
  }
}

/** That all is done, and nothing more will be; behind so many records, where that is known. */
export const farewell = (said?: number): Envelope => ({
  kind: Kind.goodbye,
  code: farewells.drained,
  reason: 'the node has drained',
  said,
});
