import { catchError, EMPTY, finalize, type Observable, ReplaySubject, type Subject, tap, timer } from 'rxjs';
import type { Actor } from '../actors/actor.js';
import type { MethodName, Resumption } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { encodeTarget } from '../core/target.js';
import type { Wire } from '../ports/network.js';
import type { Desk, Endpoint } from '../ports/transport.js';
import { DedupeWindow } from './dedupe-window.js';
import type { MeshPorts } from './mesh-ports.js';
import type { Received, Reception } from './reception.js';
import { ServedLink } from './served-link.js';

/** How often what is remembered of requests is looked through for what no longer matters, in ms. */
const sweepMs = 5_000;

/** Where this node can be reached, and who serves there. It listens from the first server on. */
export class Listener implements Reception {
  readonly #ports: MeshPorts;
  readonly #parent: Actor;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Undefined while it does not listen. */
  #address$: ReplaySubject<string> | undefined;
  /** Links that have a wire; those of them whose dialling sides have told a number, by that; and links whose peers have gone, with work that goes on. */
  readonly #links = new Set<ServedLink>();
  readonly #byKey = new Map<string, Received>();
  readonly #left = new Set<Received>();
  /** What came by lost wires, the newest last. */
  readonly #arrived = new Map<string, Resumption>();
  readonly repeats: DedupeWindow;
  #wires = 0;
  #isLeaving = false;
  /** Links whose peers were told that this node leaves. */
  readonly #told = new Set<ServedLink>();
  generation = 0;

  constructor(parent: Actor, ports: MeshPorts) {
    this.#parent = parent;
    this.#ports = ports;
    this.repeats = new DedupeWindow(ports.clock, ports.meter);
  }

  /** Whether all that was answered has left. */
  get isFlushed(): boolean {
    return [...this.#links].every(({ isFlushed }) => isFlushed);
  }

  /** Tells all who have dialled that nothing more is started here, and whoever dials from now on. */
  sayGoodbye(): void {
    this.#isLeaving = true;
    for (const link of this.#links) {
      link.sayGoodbye();
      this.#told.add(link);
    }
  }

  /** Whether all who had dialled by then have heard it, and hung up. */
  get hasLeft(): boolean {
    return this.#isLeaving && this.#told.size === 0;
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

  resume(key: string, link: Received): Resumption | undefined {
    this.#byKey.get(key)?.supersede();
    this.#byKey.set(key, link);
    const arrived = this.#arrived.get(key);
    this.#arrived.delete(key);
    return arrived;
  }

  lose(key: string, link: Received, arrived: Resumption | undefined): void {
    if (this.#byKey.get(key) === link) this.#byKey.delete(key);
    if (!arrived) return;
    this.#arrived.set(key, arrived);
    const [oldest] = this.#arrived.keys();
    if (oldest !== undefined && this.#arrived.size > limits.resumableMax) this.#arrived.delete(oldest);
  }

  keep(link: Received): void {
    this.#left.add(link);
  }

  leave(link: Received): void {
    this.#left.delete(link);
  }

  #run(self: Actor, address$: Subject<string>): Observable<unknown> {
    const { network, identity, clock } = this.#ports;
    const sweep = (memory: Actor): Observable<unknown> =>
      timer(0, sweepMs, clock).pipe(
        tap(() => {
          this.repeats.sweep();
          memory.say(`${String(this.repeats.size)} remembered`);
        }),
      );
    self.spawn('repeats', sweep, { buffers: () => [this.repeats.backlog] });
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
    this.#wires += 1;
    const served = new ServedLink(wire, this, this.#ports);
    this.#links.add(served);
    if (this.#isLeaving) served.sayGoodbye();
    const talk = (link: Actor): Observable<unknown> =>
      served.run().pipe(
        tap((vital) => {
          link.say(vital);
        }),
        catchError(() => EMPTY),
        finalize(() => {
          this.#links.delete(served);
          this.#told.delete(served);
        }),
      );
    self.spawn(`${String(this.#wires)} ${wire.address}`, talk, { buffers: () => served.backlogs });
  }
}
