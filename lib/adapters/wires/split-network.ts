import { networkInterfaces } from 'node:os';
import { defer, from, type Observable, switchMap } from 'rxjs';
import type { Logger } from '../../ports/logger.js';
import { type Listening, Network, type Wire } from '../../ports/network.js';
import { isLoopback } from './loopback.js';

type Closing = Network & { close(): void };

/**
 * Two networks that speak the same protocol at the same addresses: what stays on this host goes by the near one, and all else by the far one,
 * which is made once it is needed. Where it cannot be, the near one has its part too.
 */
export class SplitNetwork extends Network {
  readonly #near: Closing;
  readonly #makeFar: () => Promise<Closing>;
  readonly #logger: Logger;
  #far: Promise<Closing> | undefined;

  constructor(near: Closing, makeFar: () => Promise<Closing>, logger: Logger) {
    super();
    this.#near = near;
    this.#makeFar = makeFar;
    this.#logger = logger;
  }

  override dial(address: string): Observable<Wire> {
    return this.#by(isHere(address) || isOwn(address), (network) => network.dial(address));
  }

  override listen(address: string): Observable<Listening | Wire> {
    return this.#by(isHere(address), (network) => network.listen(address));
  }

  /** Closes both. */
  async close(): Promise<void> {
    const far = this.#far;
    this.#far = Promise.resolve(this.#near);
    this.#near.close();
    (await far)?.close();
  }

  #by<T>(isNear: boolean, open: (network: Network) => Observable<T>): Observable<T> {
    return isNear ? open(this.#near) : defer(() => from((this.#far ??= this.#findFar()))).pipe(switchMap(open));
  }

  async #findFar(): Promise<Closing> {
    try {
      return await this.#makeFar();
    } catch (error) {
      this.#logger.warn("ZeroMQ's library cannot be used here, so its protocol is spoken without it", { error });
      return this.#near;
    }
  }
}

const hostOf = (address: string): string | undefined => /^tcp:\/\/(.*):[^:\]]*$/.exec(address)?.[1];

/** Whether an address is reached from this host only. */
const isHere = (address: string): boolean => {
  const host = hostOf(address);
  return host === undefined || isLoopback(host);
};

/** Whether an address of this host's is meant, which others may reach too. */
const isOwn = (address: string): boolean => {
  const host = hostOf(address)?.replace(/^\[|\]$/g, '');
  return Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === host));
};
