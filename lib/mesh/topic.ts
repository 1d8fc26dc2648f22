import { ignoreElements, merge, type Observable, ReplaySubject, type Subscription, tap } from 'rxjs';
import type { Actor } from '../actors/actor.js';
import { queueOf } from '../actors/queue.js';
import { SkeinError } from '../core/errors.js';
import { hash32 } from '../core/hash.js';
import { limits } from '../core/limits.js';
import type { TopicName } from '../core/target.js';
import type { Registration } from '../ports/matchmaker.js';
import type { Holder, Operation, Outgoing } from '../ports/transport.js';
import { choose, chooseByHash } from './choose.js';
import type { Directory, Listing } from './directory.js';
import { fits, unsupported } from './editions.js';
import { Ejections } from './ejections.js';
import type { MeshPorts } from './mesh-ports.js';
import { nodeClosed } from './gone.js';
import type { Pool } from './pool.js';
import { Route, type RouteKeeper } from './route.js';

/** The routes that fit an operation. */
interface Fitting {
  readonly all: readonly Route[];
  readonly byServer: ReadonlyMap<string, Route>;
  /** Whose turn it is, where they take turns: each operation by itself, or two of them in step would always meet the same servers. */
  turn: number;
}

/** How long a request still waits for a server, and why it came back from the one that it was given to. */
interface Wait {
  readonly endsAt: number;
  readonly error: SkeinError | undefined;
}

/**
 * A topic's live servers and the rule that picks one. The actor keeps the routes as the directory has them; requests read them
 * where they stand, and wait here only while there is none.
 */
export class Topic implements Holder, RouteKeeper {
  readonly #name: TopicName;
  readonly #pool: Pool;
  readonly #ports: MeshPorts;
  readonly #listing$ = new ReplaySubject<Listing>(1);
  #routes = new Map<string, Route>();
  /** The routes that fit each operation, as far as asked since the last change. */
  readonly #fitting = new Map<Operation, Fitting>();
  readonly #ejections: Ejections;
  readonly #actor: Actor;
  #isStale = false;
  #isCurrent = false;
  /** Whether it was asked for anything since it was last looked at. */
  #isUsed = true;
  #isOver = false;
  /** Requests without a server, in the order in which their patience ends. */
  readonly #waiting = new Map<Outgoing, Wait>();
  #patience: Subscription | undefined;

  constructor(name: TopicName, parent: Actor, directory: Directory, pool: Pool, ports: MeshPorts) {
    this.#name = name;
    this.#pool = pool;
    this.#ports = ports;
    this.#ejections = new Ejections(ports.clock, ports.meter.counter('servers.ejected'), () => {
      this.#actor.say(this.#note());
    });
    const behavior = (self: Actor): Observable<never> =>
      merge(
        directory.watch(name).pipe(
          tap((listing) => {
            this.#update(listing);
            self.say(this.#note());
          }),
        ),
        // What waits goes as soon as one of its servers can be reached again.
        pool.live$.pipe(
          tap(() => {
            this.#serveWaiting();
          }),
        ),
      ).pipe(ignoreElements());
    const mailbox = queueOf(this.#waiting, limits.waitingMax);
    this.#actor = parent.spawn(`${name.exchange}/${name.topic}`, behavior, { mailbox });
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
    this.#ejections.close();
    for (const { way, registration } of this.#routes.values()) this.#pool.release(way, registration);
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
    // What waits here is with no one, so no one answers it.
  }

  returned(): void {
    // And no one gives it back.
  }

  /** Once the directory has spoken, there was no server in all its time. */
  explain(request: Outgoing): SkeinError | undefined {
    return this.#isCurrent ? this.#whyNone(request) : undefined;
  }

  #note(): string {
    const ejected = this.#ejections.size;
    const parts = [
      `${String(this.#routes.size)} servers`,
      ejected > 0 ? `${String(ejected)} ejected` : '',
      this.#isStale ? 'stale' : '',
    ];
    return parts.filter((part) => part !== '').join(', ');
  }

  /** One of the servers that can be reached, but for the one that has just given the request back. */
  #pick(request: Outgoing, butFor?: Route): Route | undefined {
    const route = this.#choose(request, butFor);
    return route === butFor || route?.isDown === true ? undefined : route;
  }

  #choose({ operation, pinned, balance, boundTo, server, key }: Outgoing, butFor: Route | undefined): Route | undefined {
    const fitting = this.#fitting.get(operation) ?? this.#fit(operation);
    if (pinned !== undefined) return fitting.byServer.get(pinned);
    if (boundTo !== undefined) return fitting.byServer.get(server);
    const routes = butFor ? fitting.all.filter((route) => route !== butFor) : fitting.all;
    if (balance === 'hash') return chooseByHash(routes, hash32(key ?? ''));
    if (balance === 'round-robin') fitting.turn += 1;
    return choose(routes, balance, fitting.turn, this.#ports.random);
  }

  /** A request that was not started: to another server, at most `limits.movesMax` times, or back to wait for one that can be reached. */
  moveOn(request: Outgoing, from: Route, error: SkeinError): void {
    if (request.isSettled) return;
    if (request.moves >= limits.movesMax) {
      request.fail(error);
      return;
    }
    const isFixed = request.pinned !== undefined || request.boundTo !== undefined;
    const other = isFixed ? undefined : this.#pick(request, from);
    if (other) {
      this.#ports.meter.counter('deliveries.moved').total += 1;
      request.moves += 1;
      other.send(request);
    } else if (isWorthWaiting(error, request)) this.#wait(request, error);
    else request.fail(error);
  }

  /** Ejects a server for a time, unless too few would be left, or it is no longer one of the topic's. */
  eject(route: Route): void {
    if (this.#routes.get(route.server) === route) this.#ejections.consider(route, this.#routes.values());
  }

  #fit(operation: Operation): Fitting {
    const all = [...this.#routes.values()].filter(({ registration }) => fits(operation, registration));
    const fitting: Fitting = {
      all,
      byServer: new Map(all.map((route) => [route.server, route])),
      turn: this.#firstTurn(all.length),
    };
    this.#fitting.set(operation, fitting);
    return fitting;
  }

  /** Many operations, or nodes, that begin at once should not all begin at the same server. */
  #firstTurn(routes: number): number {
    return Math.floor(this.#ports.random.next() * routes);
  }

  #update(listing: Listing): void {
    this.#isCurrent = true;
    this.#isStale = listing.isStale;
    const before = this.#routes;
    this.#routes = new Map(listing.registrations.map((registration) => [registration.server, this.#route(registration, before)]));
    this.#fitting.clear();
    for (const [server, route] of before) {
      if (this.#routes.get(server) === route) continue;
      this.#ejections.forget(route);
      this.#pool.release(route.way, route.registration);
    }
    this.#listing$.next(listing);
    this.#serveWaiting();
  }

  /** The route that there was, if the entry is the same; so its load and its latency are remembered. */
  #route(registration: Registration, before: ReadonlyMap<string, Route>): Route {
    const known = before.get(registration.server);
    if (known?.leadsTo(registration) === true) return known;
    return new Route(registration, this.#pool.acquire(registration), this);
  }

  /** Even without patience until the next turn: who tries again at each failure must hear of the directory's changes between. */
  #wait(request: Outgoing, error?: SkeinError): void {
    const { clock, identity } = this.#ports;
    if (this.#isOver) {
      request.fail(nodeClosed());
      return;
    }
    if (this.#waiting.size >= limits.waitingMax) {
      const message = `too many requests wait for a server of ${this.#name.topic}`;
      request.fail(new SkeinError('overloaded', { retryAfterMs: undefined }, { message }));
      return;
    }
    request.holder = this;
    this.#waiting.set(request, { endsAt: clock.now() + identity.noServerMs, error });
    this.#watchPatience();
  }

  #serveWaiting(): void {
    for (const request of [...this.#waiting.keys()]) this.#serve(request);
    this.#watchPatience();
  }

  /** Gives a request that waits to one of the servers, if there is one now. */
  #serve(request: Outgoing, isLast = false): boolean {
    const wait = this.#waiting.get(request);
    // Whoever hears of the one before may have taken this one back.
    if (!wait) return false;
    const { error } = wait;
    const route = this.#pick(request);
    // What has come back once does not go where it may come back from again, unless that is its last chance.
    if (!route || (error && !isLast && !route.isUsable)) return false;
    if (error) request.moves += 1;
    this.#waiting.delete(request);
    route.send(request);
    return true;
  }

  /** One timer, for the request that has waited longest; before the directory has spoken, only deadlines end the wait. */
  #watchPatience(): void {
    if (this.#patience || !this.#isCurrent) return;
    const [first] = this.#waiting.values();
    if (!first) return;
    const { clock } = this.#ports;
    this.#patience = clock.schedule(
      () => {
        this.#patience = undefined;
        this.#failImpatient(clock.now());
        this.#watchPatience();
      },
      Math.max(0, first.endsAt - clock.now()),
    );
  }

  #failImpatient(now: number): void {
    // Those who hear of it may ask again at once, which is for the next turn.
    let left = this.#waiting.size;
    for (const [request, { endsAt, error }] of this.#waiting) {
      if (left === 0 || endsAt > now) break;
      left -= 1;
      if (error && this.#serve(request, true)) continue;
      this.#waiting.delete(request);
      request.fail(error ?? this.#whyNone(request));
    }
  }

  #whyNone({ operation, pinned }: Outgoing): SkeinError {
    const routes = [...this.#routes.values()].filter(({ server }) => pinned === undefined || server === pinned);
    const { topic } = this.#name;
    const unreachable = routes.find((route) => route.isDown);
    if (unreachable?.way.whyDown) return unreachable.way.whyDown;
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
    this.#isOver = true;
    this.#patience?.unsubscribe();
    this.#ejections.close();
    const requests = [...this.#waiting.keys()];
    this.#waiting.clear();
    for (const request of requests) request.fail(nodeClosed());
  }
}

/** Whether a server may be there in a while: the one that could not be reached, or one in the place of who leaves, by its name too. */
const isWorthWaiting = ({ code }: SkeinError, { boundTo }: Outgoing): boolean =>
  code === 'undeliverable' || (boundTo === undefined && (code === 'closed' || code === 'no-server'));
