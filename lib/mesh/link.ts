import {
  BehaviorSubject,
  distinctUntilChanged,
  merge,
  NEVER,
  type Observable,
  skipUntil,
  Subject,
  switchMap,
  takeUntil,
} from 'rxjs';
import { type Envelope, Kind, protocolMajor, type WelcomeEnvelope } from '../core/envelope.js';
import { readError } from '../core/error-record.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { gateByCredit } from '../operators/gate-by-credit.js';
import { holdBack } from '../operators/hold-back.js';
import { Mailbox } from '../operators/mailbox.js';
import type { Vital } from '../operators/watch-silence.js';
import type { Wire } from '../ports/network.js';
import { Outgoing } from '../ports/transport.js';
import { converse } from './converse.js';
import { Gone, whyLost, whyUnsent } from './gone.js';
import { type Dialling, keepDialling } from './keep-dialling.js';
import type { MeshPorts } from './mesh-ports.js';
import { makeOutbox } from './outbox.js';
import { SentRequests } from './sent-requests.js';

/** `idle` has no wire and wants none; `down` has lost its wire, or could not open one, and tries again. */
export type LinkState = 'idle' | 'connecting' | 'live' | 'suspect' | 'down';

/** Who decides which links may have a wire. */
export interface LinkKeeper {
  /** The link has something to say, and no wire. */
  wants(link: Link): void;
  /** The link has come to rest, so that it may lose its wire without harm. */
  resting(link: Link): void;
}

/**
 * The dialling end of a wire to one peer: what waits for it, what it has not answered yet, and how it is. A wire belongs to who
 * dialled it: requests go this way, answers come back. A lost wire is not mended: what was sent on it ends, and the next one
 * starts anew.
 */
export class Link {
  readonly address: string;
  /** The run of the peer that is meant; empty where the directory does not know it. */
  readonly incarnation: string;
  /** Requests that wait for credit or for the wire. */
  readonly mailbox = makeOutbox();
  readonly #state$ = new BehaviorSubject<LinkState>('idle');
  readonly #ports: MeshPorts;
  readonly #keeper: LinkKeeper;
  readonly #open$ = new BehaviorSubject(false);
  readonly #shut$ = new Subject<void>();
  readonly #control = new Mailbox<Envelope>({ max: limits.outboxMax });
  readonly #sent: SentRequests;
  readonly #resumed$ = new Subject<void>();
  #credit$ = new Subject<number>();
  #welcomed$ = new Subject<Vital>();
  #peerHeartbeatMs = 0;
  /** Set by its keeper: it is to come to rest, so that another link can have its place. It sends one batch on its wire all the same. */
  isYielding = false;

  constructor(address: string, incarnation: string, keeper: LinkKeeper, ports: MeshPorts) {
    this.address = address;
    this.incarnation = incarnation;
    this.#keeper = keeper;
    this.#ports = ports;
    this.#sent = new SentRequests(ports.meter.counter('answers.late'));
  }

  /** Requests sent so far, by which the pool tells hot links from cold ones. */
  get sentTotal(): number {
    return this.#sent.total;
  }

  get state$(): Observable<LinkState> {
    return this.#state$;
  }

  get state(): LinkState {
    return this.#state$.value;
  }

  /** Whether new work may go here while there is a choice. */
  get isUsable(): boolean {
    const state = this.#state$.value;
    return state !== 'suspect' && state !== 'down';
  }

  /** Whether its wire is of no use at present: nothing waits for an answer or may be sent, or there is none to be had. */
  get isResting(): boolean {
    if (this.#state$.value === 'down') return true;
    return this.#sent.size === 0 && (this.mailbox.size === 0 || this.#hasHadItsTurn);
  }

  get #hasHadItsTurn(): boolean {
    return this.isYielding && this.#sent.onWire > 0;
  }

  /** Queues the request; it fails `overloaded` where too many wait. */
  send(request: Outgoing): void {
    if (!this.mailbox.offer(request)) {
      const message = `too many requests wait for ${this.address}`;
      this.#fail(request, new SkeinError('overloaded', { retryAfterMs: undefined }, { message }));
    } else if (this.#state$.value === 'idle') this.#keeper.wants(this);
  }

  /** Takes back a request that its sender settled: it is not sent any more, or the peer is told. */
  withdraw(request: Outgoing): void {
    if (!this.#sent.withdraw(request)) {
      this.mailbox.died();
      return;
    }
    this.#control.offer({ kind: Kind.cancel, id: request.id });
    this.#tellIfResting();
  }

  /** What the link does for as long as it exists: while it is open, it dials and talks, again and again. */
  run(): Observable<unknown> {
    return this.#open$.pipe(
      distinctUntilChanged(),
      switchMap((isOpen) => (isOpen ? this.#dialAndTalk() : NEVER)),
    );
  }

  /** Lets it have a wire. */
  open(): void {
    this.isYielding = false;
    this.#state$.next('connecting');
    this.#open$.next(true);
  }

  /** No one else wants its place any more. */
  resume(): void {
    this.isYielding = false;
    this.#resumed$.next();
  }

  /** Ends its wire. What waits stays; what was sent ends. */
  shut(): void {
    const lost = whyLost(this.address, this.state === 'suspect', this.#peerHeartbeatMs);
    this.#state$.next('idle');
    // The conversation before its wire, so that it can still say goodbye.
    this.#shut$.next();
    this.#open$.next(false);
    this.#failSent(lost);
  }

  /** Ends its wire and all that it holds, for there is no way to the peer any more. */
  abandon(reason: string): void {
    this.shut();
    this.#failWaiting(new SkeinError('undeliverable', { reason }));
  }

  /** Ends its wire and all that it holds, for the node closes. */
  close(): void {
    const what = 'the node';
    this.#failSent(new SkeinError('closed', { what }, { ran: 'unknown' }));
    this.shut();
    this.#failWaiting(new SkeinError('closed', { what }));
  }

  #dialAndTalk(): Observable<Vital> {
    const dialling: Dialling = {
      address: this.address,
      meet: (wire) => this.#meet(wire).pipe(takeUntil(this.#shut$)),
      onVital: (vital) => {
        this.#state$.next(vital === 'suspect' ? 'suspect' : 'live');
      },
      onLost: (error) => {
        this.#lose(error);
      },
    };
    return keepDialling(dialling, this.#ports);
  }

  /** The conversation, from the welcome on: what is heard before it proves nothing. */
  #meet(wire: Wire): Observable<Vital> {
    const welcomed$ = new Subject<Vital>();
    this.#welcomed$ = welcomed$;
    return merge(welcomed$, this.#talk(wire).pipe(skipUntil(welcomed$)));
  }

  #talk(wire: Wire): Observable<Vital> {
    const { codec, clock, identity } = this.#ports;
    this.#peerHeartbeatMs = identity.heartbeatMs;
    this.#credit$ = new Subject();
    const { node, incarnation, heartbeatMs } = identity;
    this.#control.offer({ kind: Kind.hello, major: protocolMajor, node, incarnation, features: [], heartbeatMs });
    return converse<Outgoing>({
      wire,
      codec,
      clock,
      control: this.#control,
      requests: gateByCredit(
        holdBack(this.mailbox, () => this.#hasHadItsTurn, this.#resumed$),
        this.#credit$,
      ),
      prepare: (batch) => this.#prepare(batch),
      unsendable: (envelope, error) => {
        if (envelope instanceof Outgoing) this.#takeBack(envelope, error);
      },
      receive: (envelopes) => {
        this.#receive(envelopes);
      },
      heartbeatMs,
      peerHeartbeatMs: () => this.#peerHeartbeatMs,
    });
  }

  /** Puts what the wire needs into each request, and the names of new methods before them. */
  #prepare(batch: readonly (Envelope | Outgoing)[]): Envelope[] {
    const now = this.#ports.clock.now();
    const envelopes: Envelope[] = [];
    let unused = 0;
    for (const item of batch) {
      if (!(item instanceof Outgoing)) envelopes.push(item);
      else if (item.isSettled || item.deadline <= now) unused += 1;
      else this.#sent.add(item, now, envelopes);
    }
    if (unused > 0) this.#credit$.next(unused);
    return envelopes;
  }

  /** It was about to be sent, and could not be. */
  #takeBack(request: Outgoing, error: SkeinError): void {
    this.#sent.takeBack(request);
    this.#credit$.next(1);
    this.#fail(request, error);
  }

  #receive(envelopes: readonly Envelope[]): void {
    const now = this.#ports.clock.now();
    for (const envelope of envelopes) {
      if (envelope.kind === Kind.reply) {
        this.#sent.take(envelope.id, now)?.reply(envelope.payload);
      } else this.#receiveRare(envelope, now);
    }
    this.#tellIfResting();
  }

  #receiveRare(envelope: Envelope, now: number): void {
    switch (envelope.kind) {
      case Kind.accept:
        this.#sent.accept(envelope.count, now);
        break;
      case Kind.credit:
        this.#credit$.next(envelope.count);
        break;
      case Kind.done:
        this.#sent.take(envelope.id, now)?.done();
        break;
      case Kind.error:
      case Kind.refuse: {
        const error = readError(envelope.error);
        this.#sent.take(envelope.id, now, error)?.fail(error);
        break;
      }
      case Kind.welcome:
        this.#welcome(envelope);
        break;
      case Kind.goodbye:
        throw new Gone(`${this.address} said goodbye: ${envelope.reason}`, envelope.code);
      case Kind.heartbeat:
        break;
      default:
        throw new SkeinError('protocol-error', { reason: 'the listening side sent what only the dialling side may send' });
    }
  }

  #welcome({ incarnation, heartbeatMs, credit }: WelcomeEnvelope): void {
    if (this.incarnation !== '' && incarnation !== this.incarnation) {
      throw new Gone(`${this.address} belongs to another process by now`);
    }
    this.#peerHeartbeatMs = heartbeatMs;
    this.#credit$.next(credit);
    this.#welcomed$.next('live');
  }

  /** The wire is gone, or there was none to be had: what was sent and what waits end, each in its own way. */
  #lose(error: unknown): void {
    const lost = whyLost(this.address, this.state === 'suspect', this.#peerHeartbeatMs);
    this.#state$.next('down');
    this.#failSent(lost);
    this.#failWaiting(whyUnsent(this.address, error));
    this.#tellIfResting();
  }

  #failSent(error: SkeinError): void {
    this.#control.drain();
    for (const request of this.#sent.clear()) this.#fail(request, error);
  }

  #failWaiting(error: SkeinError): void {
    for (const request of this.mailbox.drain()) this.#fail(request, error);
  }

  #fail(request: Outgoing, error: SkeinError): void {
    if (request.isSettled) return;
    request.holder?.answered(request, this.#ports.clock.now(), error);
    request.fail(error);
  }

  #tellIfResting(): void {
    if (this.isResting) this.#keeper.resting(this);
  }
}
