import { NEVER, type Observable, throwError } from 'rxjs';
import { invalidArgument } from '../../core/errors.js';
import { type Listening, Network, type Wire } from '../../ports/network.js';
import type { Fabric } from '../memory/fabric.js';

const shape = /^sim:\/\/([^/]+)\/(.+)$/;

/**
 * The network as one run of one simulated host sees it. Addresses are `sim://HOST/NAME`; a host listens on its own name only,
 * for which `*` may stand; `sim://*` takes a free name. After its host was killed, nothing that
 * it was asked for happens any more.
 */
export class SimNetwork extends Network {
  readonly #fabric: Fabric;
  readonly #host: string;
  readonly #isAlive: () => boolean;

  constructor(fabric: Fabric, host: string, isAlive: () => boolean) {
    super();
    this.#fabric = fabric;
    this.#host = host;
    this.#isAlive = isAlive;
  }

  override dial(address: string): Observable<Wire> {
    if (!this.#isAlive()) return NEVER;
    const to = shape.exec(address)?.[1];
    if (to === undefined) return refused(`"${address}" is no simulated address: write sim://HOST/NAME`);
    return this.#fabric.dial(address, { from: this.#host, to });
  }

  override listen(address: string): Observable<Listening | Wire> {
    if (!this.#isAlive()) return NEVER;
    const [, host, name] = shape.exec(address === 'sim://*' ? 'sim://*/*' : address) ?? [];
    if (host === undefined || name === undefined || (host !== '*' && host !== this.#host)) {
      return refused(`${this.#host} cannot listen on "${address}": write sim://${this.#host}/NAME, or sim://* for a free name`);
    }
    const free = name === '*' ? `free-${String(this.#fabric.next())}` : name;
    return this.#fabric.listen(`sim://${this.#host}/${free}`, this.#host);
  }
}

const refused = (message: string): Observable<never> => throwError(() => invalidArgument(message));
