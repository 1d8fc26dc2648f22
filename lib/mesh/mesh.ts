import {
  catchError,
  defer,
  endWith,
  filter,
  finalize,
  interval,
  map,
  merge,
  type Observable,
  of,
  Subject,
  switchMap,
  take,
  takeUntil,
  takeWhile,
  tap,
} from 'rxjs';
import type { Actor } from '../actors/actor.js';
import { limits } from '../core/limits.js';
import { encodeTarget, type TopicName } from '../core/target.js';
import type { Registration } from '../ports/matchmaker.js';
import { type Endpoint, type Operation, type Outgoing, type Peer, Transport } from '../ports/transport.js';
import { Directory } from './directory.js';
import { isOfSeries, unsupported } from './editions.js';
import { Listener } from './listener.js';
import type { MeshPorts } from './mesh-ports.js';
import { nodeClosed } from './gone.js';
import { Pool } from './pool.js';
import { Topic } from './topic.js';

/** The brokerless transport: nodes find each other's servers through a matchmaker, and talk over links of their own. */
export class Mesh extends Transport {
  readonly #ports: MeshPorts;
  readonly #topicsActor: Actor;
  readonly #directory: Directory;
  readonly #pool: Pool;
  readonly #listener: Listener;
  readonly #topics = new Map<string, Topic>();
  readonly #byOperation = new WeakMap<Operation, Topic>();
  #isClosed = false;
  readonly #closed$ = new Subject<never>();

  /** Its actors stand below `parent`, and stop with it, the listener last. */
  constructor(parent: Actor, ports: MeshPorts) {
    super();
    this.#ports = ports;
    this.#listener = new Listener(parent, ports);
    this.#pool = new Pool(parent, ports);
    this.#directory = new Directory(parent, ports);
    this.#topicsActor = parent.spawn('topics', () =>
      interval(limits.coldMaxMs, ports.clock).pipe(
        tap(() => {
          for (const [key, topic] of this.#topics) if (topic.retire()) this.#topics.delete(key);
        }),
      ),
    );
  }

  override get peers$(): Observable<readonly Peer[]> {
    return this.#pool.peers$;
  }

  override get isFlushed(): boolean {
    return this.#pool.isFlushed && this.#listener.isFlushed;
  }

  override leave(): void {
    this.#listener.sayGoodbye();
  }

  override get hasLeft(): boolean {
    return this.#listener.hasLeft;
  }

  override get servers$(): Observable<readonly Registration[]> {
    return defer(() => this.#directory.watchAll()).pipe(
      filter(({ isStale }) => !isStale),
      map(({ registrations }) => registrations),
      takeUntil(this.#closed$.pipe(catchError(() => of(undefined)))),
    );
  }

  override send(request: Outgoing): void {
    if (this.#isClosed) request.fail(nodeClosed());
    else this.#topicOf(request.operation).send(request);
  }

  override servers(operation: Operation): Observable<readonly string[]> {
    return defer(() => (this.#isClosed ? this.#closed$ : merge(this.#topicOf(operation).listing$, this.#closed$))).pipe(
      take(1),
      map(({ registrations }) => {
        const those = registrations.filter((registration) => isOfSeries(operation, registration));
        if (those.length === 0 && registrations.length > 0) throw unsupported(operation, registrations);
        return those.map(({ server }) => server);
      }),
    );
  }

  override serve(endpoint: Endpoint): Observable<'registered'> {
    const { exchange, topic, server, version, namespace, labels } = endpoint;
    const { node, incarnation, leaseMs } = this.#ports.identity;
    return defer(() => {
      this.#listener.add(endpoint);
      return this.#listener.listen();
    }).pipe(
      switchMap((address) => {
        const entry = { exchange, topic, server, node, version, namespace, labels, address, incarnation, leaseMs };
        return this.#directory.register(entry).pipe(endWith('superseded' as const));
      }),
      takeWhile((state) => state !== 'superseded'),
      finalize(() => {
        this.#listener.remove(endpoint);
      }),
    );
  }

  /** Ends all that is under way: requests in hand end `closed`, of unknown outcome if they were sent. */
  close(): void {
    this.#isClosed = true;
    this.#closed$.error(nodeClosed());
    for (const topic of this.#topics.values()) topic.close();
    this.#pool.close();
  }

  #topicOf(operation: Operation): Topic {
    const known = this.#byOperation.get(operation);
    if (known?.isOver === false) return known;
    const topic = this.#topic(operation);
    this.#byOperation.set(operation, topic);
    return topic;
  }

  #topic({ exchange, topic }: TopicName): Topic {
    const key = encodeTarget({ exchange, topic });
    const known = this.#topics.get(key);
    if (known) return known;
    const made = new Topic({ exchange, topic }, this.#topicsActor, this.#directory, this.#pool, this.#ports);
    this.#topics.set(key, made);
    return made;
  }
}
