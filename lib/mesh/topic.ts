import { type Observable, ReplaySubject, type Subscription, tap } from 'rxjs';
import type { Actor } from '../actors/actor.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import type { TopicName } from '../core/target.js';
import type { Registration } from '../ports/matchmaker.js';
import type { Holder, Operation, Outgoing } from '../ports/transport.js';
import { choose } from './choose.js';
import type { Directory, Listing } from './directory.js';
import { fits, unsupported } from './editions.js';
import type { MeshPorts } from './mesh-ports.js';
import type { Pool } from './pool.js';
import { Route } from './route.js';

/** The routes that fit an operation. */
interface Fitting {
  readonly all: readonly Route[];
  readonly byServer: ReadonlyMap<string, Route>;
}

/**
 * A topic's live servers and the rule that picks one. The actor keeps the routes as the directory has them; requests read them
 * where they stand, and wait here only while there is none.
 */
export class Topic implements Holder {
  readonly #name: TopicName;
  readonly #pool: Pool;
  readonly #ports: MeshPorts;
  readonly #listing$ = new ReplaySubject<Listing>(1);
  #routes = new Map<string, Route>();
  /** The routes that fit each operation, as far as asked since the last change. */
  readonly #fitting = new Map<Operation, Fitting>();
  readonly #actor: Actor;
  #turn = 0;
  #isCurrent = false;
  /** Whether it was asked for anything since it was last looked at. */
  #isUsed = true;
  #isOver = false;
  /** Requests without a server, in the order in which their patience ends. */
  readonly #waiting = new Map<Outgoing, number>();
  #patience: Subscription | undefined;

  constructor(name: TopicName, parent: Actor, directory: Directory, pool: Pool, ports: MeshPorts) {
    this.#name = name;
    this.#pool = pool;
    this.#ports = ports;
    this.#actor = parent.spawn(`${name.exchange}/${name.topic}`, (self) =>
      directory.watch(name).pipe(
        tap((listing) => {
          this.#update(listing);
          self.say(`${String(this.#routes.size)} servers${listing.isStale ? ', stale' : ''}`);
        }),
      ),
    );
  }

  /** What the directory said last, at once if it has spoken, and at every change. */
  get listing$(): Observable<Listing> {
    this.#isUsed = true;
    return this.#listing$;
  }

  /** Whether it has retired: whoever needs the topic again makes another one. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends it, unless it was used since this was last asked, or has anything under way; whether it has ended. */
  retire(): boolean {
    const isBusy = this.#isUsed || this.#waiting.size > 0 || [...this.#routes.values()].some(({ inFlight }) => inFlight > 0);
    this.#isUsed = false;
    if (isBusy) return false;
    this.#isOver = true;
    this.#actor.stop();
    for (const { link, registration } of this.#routes.values()) this.#pool.release(link, registration);
    this.#routes.clear();
    return true;
  }

  /** Gives the request to one of the servers, or keeps it until there is one. */
  send(request: Outgoing): void {
    this.#isUsed = true;
    const route = this.#pick(request);
    if (route) route.send(request);
    else this.#wait(request);
  }

  withdraw(request: Outgoing): void {
    this.#waiting.delete(request);
  }

  answered(): void {
    // What waits here was sent to no one, so no one answers it.
  }

  /** Once the directory has spoken, there was no server in all its time. */
  explain(request: Outgoing): SkeinError | undefined {
    return this.#isCurrent ? this.#whyNone(request) : undefined;
  }

  #pick({ operation, pinned, balance }: Outgoing): Route | undefined {
    const fitting = this.#fitting.get(operation) ?? this.#fit(operation);
    if (pinned !== undefined) return fitting.byServer.get(pinned);
    if (balance === 'round-robin') this.#turn += 1;
    return choose(fitting.all, balance, this.#turn, this.#ports.random);
  }

  #fit(operation: Operation): Fitting {
    const all = [...this.#routes.values()].filter(({ registration }) => fits(operation, registration));
    const fitting = { all, byServer: new Map(all.map((route) => [route.server, route])) };
    this.#fitting.set(operation, fitting);
    return fitting;
  }

  #update(listing: Listing): void {
    this.#isCurrent = true;
    const before = this.#routes;
    this.#routes = new Map(listing.registrations.map((registration) => [registration.server, this.#route(registration, before)]));
    this.#fitting.clear();
    for (const [server, route] of before) {
      if (this.#routes.get(server) !== route) this.#pool.release(route.link, route.registration);
    }
    this.#listing$.next(listing);
    this.#serveWaiting();
  }

  /** The route that there was, if the entry is the same; so its load and its latency are remembered. */
  #route(registration: Registration, before: ReadonlyMap<string, Route>): Route {
    const known = before.get(registration.server);
    if (known && isSameServer(known.registration, registration)) return known;
    return new Route(registration, this.#pool.acquire(registration));
  }

  #wait(request: Outgoing): void {
    const { clock, identity } = this.#ports;
    if (this.#isCurrent && identity.noServerMs === 0) {
      request.fail(this.#whyNone(request));
      return;
    }
    if (this.#waiting.size >= limits.waitingMax) {
      const message = `too many requests wait for a server of ${this.#name.topic}`;
      request.fail(new SkeinError('overloaded', { retryAfterMs: undefined }, { message }));
      return;
    }
    request.holder = this;
    this.#waiting.set(request, clock.now() + identity.noServerMs);
    this.#watchPatience();
  }

  #serveWaiting(): void {
    for (const request of [...this.#waiting.keys()]) {
      const route = this.#pick(request);
      if (!route) continue;
      this.#waiting.delete(request);
      route.send(request);
    }
    this.#watchPatience();
  }

  /** One timer, for the request that has waited longest; before the directory has spoken, only deadlines end the wait. */
  #watchPatience(): void {
    if (this.#patience || !this.#isCurrent) return;
    const [endsAt] = this.#waiting.values();
    if (endsAt === undefined) return;
    const { clock } = this.#ports;
    this.#patience = clock.schedule(
      () => {
        this.#patience = undefined;
        this.#failImpatient(clock.now());
        this.#watchPatience();
      },
      Math.max(0, endsAt - clock.now()),
    );
  }

  #failImpatient(now: number): void {
    for (const [request, endsAt] of this.#waiting) {
      if (endsAt > now) break;
      this.#waiting.delete(request);
      request.fail(this.#whyNone(request));
    }
  }

  #whyNone({ operation, pinned }: Outgoing): SkeinError {
    const routes = [...this.#routes.values()].filter(({ server }) => pinned === undefined || server === pinned);
    const { topic } = this.#name;
    if (routes.length === 0) {
      const message = pinned === undefined ? `no server answers ${topic}` : `no server ${pinned} answers ${topic}`;
      return new SkeinError('no-server', { topic }, { message });
    }
    return unsupported(
      operation,
      routes.map(({ registration }) => registration),
    );
  }

  /** Stops waiting; what still waits is closed. */
  close(): void {
    this.#patience?.unsubscribe();
    const requests = [...this.#waiting.keys()];
    this.#waiting.clear();
    for (const request of requests) request.fail(new SkeinError('closed', { what: 'the node' }));
  }
}

const isSameServer = (a: Registration, b: Registration): boolean =>
  a.address === b.address && a.incarnation === b.incarnation && a.version === b.version && a.namespace === b.namespace;
