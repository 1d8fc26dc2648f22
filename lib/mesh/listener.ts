import { catchError, EMPTY, finalize, type Observable, ReplaySubject, type Subject, tap } from 'rxjs';
import type { Actor } from '../actors/actor.js';
import type { MethodName } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { encodeTarget } from '../core/target.js';
import type { Wire } from '../ports/network.js';
import type { Desk, Endpoint } from '../ports/transport.js';
import type { MeshPorts } from './mesh-ports.js';
import { type Reception, ServedLink } from './served-link.js';

/** Where this node can be reached, and who serves there. It listens from the first server on. */
export class Listener implements Reception {
  readonly #ports: MeshPorts;
  readonly #parent: Actor;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Undefined while it does not listen. */
  #address$: ReplaySubject<string> | undefined;
  /** Links whose peers have gone, with casts that go on. */
  readonly #left = new Set<ServedLink>();
  #links = 0;
  generation = 0;

  constructor(parent: Actor, ports: MeshPorts) {
    this.#parent = parent;
    this.#ports = ports;
  }

  /**
   * Listens, if it does not yet; emits where others can dial it, again whenever that changes. Errors where it cannot listen, or can
   * no more; who asks after that has it try anew.
   */
  listen(): Observable<string> {
    if (this.#address$) return this.#address$;
    const address$ = new ReplaySubject<string>(1);
    this.#address$ = address$;
    this.#parent.spawn('listener', (self) => this.#run(self, address$), { supervise: 'stop' });
    return address$;
  }

  /** Lets the requests for that server in, until {@link remove}; one of the same name before it no longer gets any. */
  add(endpoint: Endpoint): void {
    this.#endpoints.set(encodeTarget(endpoint), endpoint);
    this.generation += 1;
  }

  remove(endpoint: Endpoint): void {
    const key = encodeTarget(endpoint);
    if (this.#endpoints.get(key) !== endpoint) return;
    this.#endpoints.delete(key);
    this.generation += 1;
  }

  find(method: MethodName): Desk | SkeinError {
    const endpoint = this.#endpoints.get(encodeTarget(method));
    if (endpoint) return endpoint.find(method);
    const message = `${method.server} does not serve ${method.topic} here`;
    return new SkeinError('no-server', { topic: method.topic }, { message });
  }

  keep(link: ServedLink): void {
    this.#left.add(link);
  }

  leave(link: ServedLink): void {
    this.#left.delete(link);
  }

  #run(self: Actor, address$: Subject<string>): Observable<unknown> {
    const { network, identity } = this.#ports;
    return network.listen(identity.bind).pipe(
      tap({
        next: (event) => {
          if ('listening' in event) this.#announce(self, address$, event.listening);
          else this.#serve(self, event);
        },
        error: (error: unknown) => {
          this.#address$ = undefined;
          address$.error(error);
        },
      }),
      finalize(() => {
        for (const link of this.#left) link.end();
        this.#left.clear();
      }),
    );
  }

  #announce(self: Actor, address$: Subject<string>, listening: string): void {
    const address = this.#ports.identity.advertise ?? listening;
    self.say(address);
    address$.next(address);
  }

  /** A conversation that ends is no failure of the listener's: the peer has left, or was refused. */
  #serve(self: Actor, wire: Wire): void {
    this.#links += 1;
    self.spawn(`${String(this.#links)} ${wire.address}`, (link) =>
      new ServedLink(wire, this, this.#ports).run().pipe(
        tap((vital) => {
          link.say(vital);
        }),
        catchError(() => EMPTY),
      ),
    );
  }
}
