import type { Registration } from '../ports/matchmaker.js';
import type { Holder, Outgoing } from '../ports/transport.js';
import type { Link } from './link.js';

/** How much a new latency sample counts: the last thirty or so make up most of the mean. */
const sampleWeight = 0.1;

/** The way to one server of a topic: its entry, the link to its node, and how it did lately. */
export class Route implements Holder {
  readonly registration: Registration;
  readonly link: Link;
  /** Requests given to it that are not settled yet. */
  inFlight = 0;
  #latencyMs = 0;

  constructor(registration: Registration, link: Link) {
    this.registration = registration;
    this.link = link;
  }

  get server(): string {
    return this.registration.server;
  }

  /** How long a request given to it now may take, to compare it with others: what is under way, by how long each took lately. */
  get load(): number {
    return (this.inFlight + 1) * (this.#latencyMs + 0.05);
  }

  send(request: Outgoing): void {
    request.holder = this;
    request.server = this.registration.server;
    this.inFlight += 1;
    this.link.send(request);
  }

  /** Who gave up has waited in vain for at least so long, which counts where it is longer than usual: a server that hangs is no fast one. */
  withdraw(request: Outgoing, at: number): void {
    this.inFlight -= 1;
    if (request.wasSent) this.#sample(Math.max(this.#latencyMs, at - request.sentAt));
    this.link.withdraw(request);
  }

  /** Its latency goes into the mean, unless it never got as far as the wire. */
  answered(request: Outgoing, at: number): void {
    this.inFlight -= 1;
    if (request.wasSent) this.#sample(at - request.sentAt);
  }

  #sample(latencyMs: number): void {
    this.#latencyMs += (latencyMs - this.#latencyMs) * sampleWeight;
  }
}
