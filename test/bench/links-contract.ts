import { concat, NEVER, type Observable, of } from 'rxjs';
import { call, cast, contract, Matchmaker, type Registration } from 'skein';

/** What the processes of this bench tell each other, and what their nodes say. */
export const Links = contract('links', '1.0', { echo: call<number, number>(), note: cast<number>() });

/** A directory that knows what it was told, so that nothing but links is measured. */
export class Told extends Matchmaker {
  readonly #all$: Observable<readonly Registration[]>;
  readonly #onRegister: (registration: Registration) => void;

  constructor(all$: Observable<readonly Registration[]>, onRegister: (registration: Registration) => void) {
    super();
    this.#all$ = all$;
    this.#onRegister = onRegister;
  }

  override register(registration: Registration): Observable<'registered'> {
    this.#onRegister(registration);
    return concat(of('registered' as const), NEVER);
  }

  override watch(): Observable<readonly Registration[]> {
    return this.#all$;
  }

  override watchAll(): Observable<readonly Registration[]> {
    return this.#all$;
  }
}

export type HubOrder =
  | { readonly do: 'know'; readonly registrations: readonly Registration[] }
  | { readonly do: 'usage' }
  | { readonly do: 'connect' }
  | { readonly do: 'fanout'; readonly seconds: number }
  | { readonly do: 'call'; readonly seconds: number };

/** What each order is answered with. */
export interface HubReport {
  readonly know: null;
  readonly usage: { readonly rssBytes: number; readonly cpuUs: number; readonly descriptors: number };
  readonly connect: { readonly ms: number; readonly readyMs: number };
  readonly fanout: { readonly deliveriesPerSecond: number; readonly failed: number };
  readonly call: { readonly p50Us: number; readonly p99Us: number };
}
