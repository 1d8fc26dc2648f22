import { isSkeinError, type SkeinError } from '../core/errors.js';
import { hash32 } from '../core/hash.js';
import { limits } from '../core/limits.js';
import type { Registration } from '../ports/matchmaker.js';
import type { Holder, Outgoing } from '../ports/transport.js';
import { Health } from './health.js';
import type { Way } from './way.js';

/** How much a new latency sample counts: the last thirty or so make up most of the mean. */
const sampleWeight = 0.1;

/** What is left of a mean each time that it decides against its server: some seventy times halve it. */
const passedOverWeight = 0.99;

/** The topic that a route belongs to. */
export interface RouteKeeper {
  /** Finds another way for a request that came back by this one. */
  moveOn(request: Outgoing, from: Route, error: SkeinError): void;
  /** The server keeps failing, and should be ejected. */
  eject(route: Route): void;
}
/** What a server does not do while all is well; that it refuses something may well be right. */
const failures = ['remote-error', 'link-lost', 'peer-silent', 'deadline-exceeded'] as const;

/** One server of a topic: its entry, the way to its node, and how it did lately. */
export class Route implements Holder {
  readonly registration: Registration;
  readonly way: Way;
  readonly health = new Health();
  /** Of its server's name, to choose by. */
  readonly hash: number;
  readonly #topic: RouteKeeper;
  /** Requests given to it that are not settled yet. */
  inFlight = 0;
  #latencyMs = 0;
  /** Until when it is passed over, in epoch ms. */
  #avoidedUntil = 0;

  constructor(registration: Registration, way: Way, topic: RouteKeeper) {
    this.registration = registration;
    this.way = way;
    this.hash = hash32(registration.server);
    this.#topic = topic;
  }

  get server(): string {
    return this.registration.server;
  }

  /** Whether that entry is of the same server as its own. */
  leadsTo({ address, incarnation, version, namespace }: Registration): boolean {
    const own = this.registration;
    return own.address === address && own.incarnation === incarnation && own.version === version && own.namespace === namespace;
  }

  /** Whether it is one of those among which to choose. */
  get isFit(): boolean {
    return this.isUsable && !this.health.isEjected;
  }

  /** How long a request given to it now may take, to compare it with others: what is under way, by how long each took lately. */
  get load(): number {
    return (this.inFlight + 1) * (this.#latencyMs + 0.05);
  }

  /** Whether there is no way to it at present. */
  get isDown(): boolean {
    return this.way.isDown;
  }

  /** Whether it can be reached, is heard and is not about to leave. */
  get isUsable(): boolean {
    return this.way.isUsable && (this.#avoidedUntil === 0 || this.#avoidedUntil <= this.way.link.now());
  }

  /** Another one was taken as the lighter. What was slow once may be fast by now, and is to be tried again some time. */
  passOver(): void {
    this.#latencyMs *= passedOverWeight;
  }

  send(request: Outgoing): void {
    request.holder = this;
    request.server = this.registration.server;
    this.inFlight += 1;
    this.way.link.send(request);
  }

  /** Who gave up has waited in vain for at least so long, which counts where it is longer than usual: a server that hangs is no fast one. */
  withdraw(request: Outgoing, at: number): void {
    this.inFlight -= 1;
    if (request.wasSent) this.#sample(Math.max(this.#latencyMs, at - request.sentAt));
    // Who gives up before the time is up has changed their mind, which is not the server's fault.
    if (request.wasSent && request.deadline <= at) this.#fail();
    this.way.link.withdraw(request);
  }

  /** Its latency goes into the mean, unless it never got as far as the wire; how it ended says how the server is. */
  answered(request: Outgoing, at: number, error?: SkeinError): void {
    this.inFlight -= 1;
    if (request.wasSent) this.#sample(at - request.sentAt);
    if (!error) this.health.succeeded();
    else if (isSkeinError(error, ...failures) && !request.expects(error)) this.#fail();
  }

  #fail(): void {
    if (this.health.failed()) this.#topic.eject(this);
  }

  /** A server that no longer serves is about to leave the directory. */
  returned(request: Outgoing, at: number, error: SkeinError): void {
    this.inFlight -= 1;
    request.holder = undefined;
    request.wasSent = false;
    if (error.code === 'closed' || error.code === 'no-server') this.#avoidedUntil = at + limits.avoidMs;
    this.#topic.moveOn(request, this, error);
  }

  #sample(latencyMs: number): void {
    this.#latencyMs += (latencyMs - this.#latencyMs) * sampleWeight;
  }
}
