import type { Resumption } from '../core/envelope.js';
import type { Outgoing } from '../ports/transport.js';
import type { LostCasts } from './sent-requests.js';

/** What came of the casts of a lost wire: those that arrived, and those that did not, in their order. */
interface Resolved {
  readonly accepted: readonly Outgoing[];
  readonly missing: readonly Outgoing[];
}

/** The casts that were on a wire when it was lost, until the other side says on the next one which of them it has. */
export class HeldCasts {
  #lost: LostCasts | undefined;

  get isEmpty(): boolean {
    return this.#lost === undefined;
  }

  hold(lost: LostCasts): void {
    if (lost.open.size > 0) this.#lost = lost;
  }

  /** Undefined where what the other side has does not fit what was sent, so that no one knows. */
  resolve(resumption: Resumption | undefined): Resolved | undefined {
    const lost = this.#lost;
    if (!lost) return { accepted: [], missing: [] };
    const arrived = (resumption?.casts ?? -1) - lost.counted;
    const fits = arrived === 0 || (arrived > 0 && lost.casts[arrived - 1]?.id === resumption?.id);
    if (!fits) return undefined;
    this.#lost = undefined;
    const refused = new Set(resumption?.refused);
    const hasArrived = new Set(lost.casts.slice(0, arrived).filter(({ id }) => !refused.has(id)));
    const open = [...lost.open].filter(({ isSettled }) => !isSettled);
    return {
      accepted: open.filter((cast) => hasArrived.has(cast)),
      missing: open.filter((cast) => !hasArrived.has(cast)),
    };
  }

  /** Gives up on them, and gives them back. */
  clear(): readonly Outgoing[] {
    const open = [...(this.#lost?.open ?? [])];
    this.#lost = undefined;
    return open;
  }
}
