import type { Subscription } from 'rxjs';
import { type Backlog, backlogOf } from '../core/backlog.js';
import { type Envelope, Kind, type Resumption } from '../core/envelope.js';
import { readError } from '../core/error-record.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { oneAfterAnother } from '../operators/one-after-another.js';
import { Outgoing } from '../ports/transport.js';
import { hasDrained, hasLeft, mayGoElsewhere, whyUnsent } from './gone.js';
import { HeldCasts } from './held-casts.js';
import type { MeshPorts } from './mesh-ports.js';
import { makeOutbox } from './outbox.js';
import { SentRequests } from './sent-requests.js';
import { Strands } from './strands.js';
import { tellStream } from './tell-stream.js';

/** The requests that a link has in hand: what waits for it, what is under way on its wire, and what the loss of a wire has left open. */
export class LinkLoad {
  /** Requests that wait for credit or for the wire. */
  readonly outbox = makeOutbox();
  /** Casts that did not arrive on the wire before, and go first. */
  readonly #again = makeOutbox();
  /** What streams that are under way have to say. */
  readonly strands = new Strands();
  readonly #sent: SentRequests;
  readonly #held = new HeldCasts();
  /** While casts are held: when that ends, and what then becomes of them. */
  #patience: Subscription | undefined;
  #lost: SkeinError | undefined;
  readonly #address: string;
  readonly #ports: Pick<MeshPorts, 'clock' | 'meter' | 'identity'>;

  constructor(address: string, ports: Pick<MeshPorts, 'clock' | 'meter' | 'identity'>) {
    this.#address = address;
    this.#ports = ports;
    this.#sent = new SentRequests(ports.meter.counter('answers.late'), this.strands);
  }

  /** What may be sent, in its order. */
  readonly outlet = oneAfterAnother(this.#again, this.outbox);

  get sentTotal(): number {
    return this.#sent.total;
  }

  get sentOnWire(): number {
    return this.#sent.onWire;
  }

  /** What it keeps besides its outbox. */
  get backlogs(): readonly Backlog[] {
    return [backlogOf('casts to be sent again', this.#again), ...this.#sent.backlogs];
  }

  /** How many answers are awaited. */
  get awaited(): number {
    return this.#sent.size;
  }

  get isEmpty(): boolean {
    return this.awaited === 0 && !this.outlet.hasReady && !this.strands.hasReady && this.#held.isEmpty;
  }

  /** Queues the request; it comes back `overloaded` where too many wait, or there is no room for it elsewhere. */
  offer(request: Outgoing, hasRoom: boolean): boolean {
    if (hasRoom && this.outbox.offer(request)) return true;
    const message = `too many requests wait for ${this.#address}`;
    this.#giveBack(request, new SkeinError('overloaded', { retryAfterMs: undefined }, { message }));
    return false;
  }

  /** Takes off a request that its sender settled; whether the peer has to be told. */
  withdraw(request: Outgoing): boolean {
    const wasSent = this.#sent.withdraw(request);
    // What was on a lost wire waits in no outbox; else one of the two looks for it in vain, once.
    if (!wasSent && !request.wasSent) for (const box of [this.#again, this.outbox]) box.died();
    return wasSent;
  }

  /** Puts what the wire needs into each request, and the names of new methods before them; says how many are not sent after all. */
  prepare(batch: readonly (Envelope | Outgoing)[]): { readonly envelopes: Envelope[]; readonly unused: number } {
    const now = this.#ports.clock.now();
    const envelopes: Envelope[] = [];
    let unused = 0;
    for (const item of batch) {
      if (!(item instanceof Outgoing)) envelopes.push(item);
      else if (item.isSettled || item.deadline <= now) unused += 1;
      else if (item.boundTo !== undefined && item.boundTo !== this.#sent.incarnation) {
        unused += 1;
        this.#fail(item, whyUnsent(this.#address, 'another process is there by now'));
      } else this.#sent.add(item, now, envelopes);
    }
    return { envelopes, unused };
  }

  /** It was about to be sent, and cannot be; says how much credit is left over. */
  takeBack(envelope: Envelope | Outgoing, error: SkeinError): number {
    if (envelope instanceof Outgoing) {
      this.#sent.takeBack(envelope);
      this.#fail(envelope, error);
      return 1;
    }
    if (envelope.kind === Kind.item) this.#sent.find(envelope.id)?.stream?.broken(error);
    return 0;
  }

  /** The peer's answer, if it is one; false for all else. */
  hear(envelope: Envelope, now: number): boolean {
    switch (envelope.kind) {
      case Kind.reply:
        this.#sent.take(envelope.id, now)?.reply(envelope.payload);
        return true;
      case Kind.item:
      case Kind.demand:
        tellStream(this.#sent.find(envelope.id)?.stream, envelope);
        return true;
      case Kind.working:
        this.#sent.find(envelope.id)?.working();
        return true;
      case Kind.cancel:
        this.#sent.find(envelope.id)?.stream?.stop();
        return true;
      case Kind.accept:
        this.#sent.accept(envelope.count, envelope.id, now);
        return true;
      case Kind.done:
        this.#sent.take(envelope.id, now)?.done();
        return true;
      case Kind.error: {
        const error = readError(envelope.error, 'yes');
        this.#sent.take(envelope.id, now, error)?.fail(error);
        return true;
      }
      case Kind.refuse: {
        const request = this.#sent.takeRefused(envelope.id, envelope.attempt ?? 0);
        const error = readError(envelope.error);
        if (request && mayGoElsewhere(error)) this.#giveBack(request, error);
        else if (request) this.#fail(request, error);
        return true;
      }
      default:
        return false;
    }
  }

  /** There is a wire to that run of the peer, which says what came of the casts on the one before. */
  resume(incarnation: string, resumption: Resumption | undefined): void {
    const isSame = incarnation === this.#sent.incarnation;
    this.#sent.incarnation = incarnation;
    const resolved = isSame ? this.#held.resolve(resumption) : undefined;
    this.#stopHolding();
    if (!resolved) {
      this.#failHeld();
      return;
    }
    const now = this.#ports.clock.now();
    for (const cast of resolved.accepted) this.#acceptLate(cast, now);
    const behind = this.#again.drain();
    for (const cast of [...resolved.missing, ...behind]) {
      cast.wasSent = false;
      this.#ports.meter.counter('casts.resent').total += 1;
      if (!this.#again.offer(cast)) this.#giveBack(cast, whyUnsent(this.#address, 'too many casts wait to be sent again'));
    }
    this.#lost = undefined;
  }

  /**
   * The wire is gone by that `cause`, or there was none to be had. What was sent ends, or comes back if the peer has drained; casts that the
   * peer may know of are held for as long as it keeps what may be repeated, unless it has left. What waits comes back.
   */
  lose(lost: SkeinError, unsent: SkeinError, cause: unknown): void {
    this.strands.clear();
    if (hasDrained(cause)) this.#giveBackSent();
    const { casts, others } = this.#sent.clear();
    this.#held.hold(casts);
    if (!this.#held.isEmpty) this.#lost ??= lost;
    if (hasLeft(cause)) this.#failHeld();
    else this.#hold();
    for (const request of others) this.#fail(request, lost);
    this.giveUpWaiting(unsent);
  }

  /** Ends what was sent, and is not answered, with that error. */
  failSent(error: SkeinError): void {
    this.strands.clear();
    const { casts, others } = this.#sent.clear();
    this.#held.hold(casts);
    this.#lost = error;
    this.#failHeld();
    for (const request of others) this.#fail(request, error);
  }

  /** Gives back what waits, to go elsewhere. */
  giveUpWaiting(error: SkeinError): void {
    for (const request of this.outbox.drain()) this.#giveBack(request, error);
  }

  /** Ends what waits. */
  failWaiting(error: SkeinError): void {
    for (const request of [...this.#again.drain(), ...this.outbox.drain()]) this.#fail(request, error);
  }

  /** The peer has answered all that it ever will, and the rest was not started: it may go elsewhere, casts in their order. */
  #giveBackSent(): void {
    const { casts, others } = this.#sent.clear();
    const error = new SkeinError('closed', { what: this.#address });
    for (const request of [...casts.open, ...others]) this.#giveBack(request, error);
  }

  #hold(): void {
    if (this.#patience || (this.#held.isEmpty && this.#again.size === 0)) return;
    const { clock, identity } = this.#ports;
    this.#patience = clock.schedule(() => {
      this.#failHeld();
    }, limits.suspectBeats * identity.heartbeatMs);
  }

  #stopHolding(): void {
    this.#patience?.unsubscribe();
    this.#patience = undefined;
  }

  /** No one can say any more what came of the casts on the wire before; those that did not arrive on it may go elsewhere. */
  #failHeld(): void {
    this.#stopHolding();
    const lost = this.#lost ?? new SkeinError('link-lost', { peer: this.#address });
    this.#lost = undefined;
    for (const cast of this.#held.clear()) this.#fail(cast, lost);
    for (const cast of this.#again.drain()) this.#giveBack(cast, whyUnsent(this.#address, lost));
  }

  /** The peer had it before the wire was lost. If its sender waits for its end, that was cancelled with the wire. */
  #acceptLate(cast: Outgoing, now: number): void {
    if (cast.isSettled) return;
    this.#ports.meter.counter('casts.resumed').total += 1;
    cast.accept();
    if (cast.isSettled) cast.holder?.answered(cast, now);
    else this.#fail(cast, this.#lost ?? new SkeinError('link-lost', { peer: this.#address }));
  }

  #fail(request: Outgoing, error: SkeinError): void {
    if (request.isSettled) return;
    request.holder?.answered(request, this.#ports.clock.now(), error);
    request.fail(error);
  }

  #giveBack(request: Outgoing, error: SkeinError): void {
    if (request.isSettled) return;
    if (request.holder) request.holder.returned(request, this.#ports.clock.now(), error);
    else request.fail(error);
  }
}
