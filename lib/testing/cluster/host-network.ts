import { map, type Observable } from 'rxjs';
import { type Listening, Network, type Wire } from '../../ports/network.js';
import { entered } from '../entered.js';
import type { Enter } from '../current.js';

/** A network as one process hears it. */
export class HostNetwork extends Network {
  readonly #inner: Network;
  readonly #enter: Enter;

  constructor(inner: Network, enter: Enter) {
    super();
    this.#inner = inner;
    this.#enter = enter;
  }

  override dial(address: string): Observable<Wire> {
    return entered(this.#inner.dial(address), this.#enter).pipe(map((wire) => this.#heard(wire)));
  }

  override listen(address: string): Observable<Listening | Wire> {
    return entered(this.#inner.listen(address), this.#enter).pipe(
      map((told) => ('listening' in told ? told : this.#heard(told))),
    );
  }

  #heard(wire: Wire): Wire {
    const enter = this.#enter;
    return {
      address: wire.address,
      message$: entered(wire.message$, enter),
      send: (frames) => entered(wire.send(frames), enter),
    };
  }
}
