import { type Observable, throwError } from 'rxjs';
import { invalidArgument } from '../../core/errors.js';
import { type Listening, Network, type Wire } from '../../ports/network.js';
import type { Fabric } from './fabric.js';

const scheme = 'memory://';

/**
 * A network within one process: who shares a fabric can meet. Addresses are `memory://NAME`, any name; listening on
 * `memory://*` takes a free one.
 */
export class MemoryNetwork extends Network {
  readonly #fabric: Fabric;

  constructor(fabric: Fabric) {
    super();
    this.#fabric = fabric;
  }

  override dial(address: string): Observable<Wire> {
    return isAddress(address) ? this.#fabric.dial(address) : refused(address);
  }

  override listen(address: string): Observable<Listening | Wire> {
    if (!isAddress(address)) return refused(address);
    return this.#fabric.listen(address === `${scheme}*` ? `${scheme}free-${String(this.#fabric.next())}` : address);
  }
}

const isAddress = (address: string): boolean => address.startsWith(scheme) && address.length > scheme.length;

const refused = (address: string): Observable<never> =>
  throwError(() => invalidArgument(`"${address}" is no address in memory: write ${scheme}NAME`));
