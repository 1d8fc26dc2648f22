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
import { type Backlog, backlogOf } from '../core/backlog.js';
import { type Envelope, type GoodbyeEnvelope, Kind, type WelcomeEnvelope } from '../core/envelope.js';
import { SkeinError } from '../core/errors.js';
import { limits } from '../core/limits.js';
import { gateByCredit } from '../operators/gate-by-credit.js';
import { holdBack } from '../operators/hold-back.js';
import { Mailbox } from '../operators/mailbox.js';
import { oneAfterAnother } from '../operators/one-after-another.js';
import { shareOut } from '../operators/share-out.js';
import type { Vital } from '../operators/watch-silence.js';
import type { Wire } from '../ports/network.js';
import type { Outgoing } from '../ports/transport.js';
import { converse, Voice } from './converse.js';
import { farewells, Gone, hasLeft, whyLost, whyUnsent } from './gone.js';
import { greetingOf } from './greeting.js';
import { type Dialling, keepDialling } from './keep-dialling.js';
import { LinkLoad } from './link-load.js';
import type { LinkPeer, LinkState } from './link-peer.js';
import type { MeshPorts } from './mesh-ports.js';

/** Who decides which links may have a wire. */
export interface LinkKeeper {
  /** Its state has changed; where that is live, there is a way to the peer again. */
  turned(link: Link): void;
  /** The link has something to say, and no wire. */
  wants(link: Link): void;
  /** The link has come to rest, so that it may lose its wire without harm. */
  resting(link: Link): void;
}

/**
 * The dialling end of a wire to one peer, and how it is. A wire belongs to who dialled it: requests go this way, answers come back. A
 * lost wire is not mended: the next one starts anew, and what was under way on the former ends, but for casts of which the peer can
 * still say whether they arrived.
 */
export class Link {
  readonly address: string;
  readonly incarnation: string;
  readonly #number: number;
  readonly #load: LinkLoad;
  #state: LinkState = 'idle';
  readonly #ports: MeshPorts;
  readonly #keeper: LinkKeeper;
  readonly #open$ = new BehaviorSubject(false);
  readonly #shut$ = new Subject<void>();
  readonly #control = new Mailbox<Envelope>({ max: limits.outboxMax });
  readonly #voice = new Voice();
  readonly #resumed$ = new Subject<void>();
  /** Made where it is asked for: each error holds a trace, and there are as many links as peers. */
  #whyDown: SkeinError | undefined;
  #credit$ = new Subject<number>();
  #welcomed$ = new Subject<Vital>();
  #peerHeartbeatMs = 0;
  /** Records heard on the present wire. */
  #heard = 0;
  /** Set by its keeper: it is to come to rest, so that another link can have its place. It sends one batch on its wire all the same. */
  isYielding = false;

  constructor({ address, incarnation, number }: LinkPeer, keeper: LinkKeeper, ports: MeshPorts) {
    this.address = address;
    this.incarnation = incarnation;
    this.#number = number;
    this.#keeper = keeper;
    this.#ports = ports;
    this.#load = new LinkLoad(address, ports);
  }

  /** Requests that wait for credit or for the wire. */
  get mailbox(): { readonly size: number; readonly max: number } {
    return this.#load.outbox;
  }

  /** What it keeps besides. */
  get backlogs(): readonly Backlog[] {
    return [backlogOf('what is to be said', this.#control), ...this.#load.backlogs, ...this.#voice.backlogs];
  }

  /** Requests sent so far, by which the pool tells hot links from cold ones. */
  get sentTotal(): number {
    return this.#load.sentTotal;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Whether new work may go here while there is a choice. */
  get isUsable(): boolean {
    return this.#state !== 'suspect' && !this.isDown;
  }

  /** Whether there is no way to the peer at present. */
  get isDown(): boolean {
    return this.#state === 'down' || this.#state === 'left';
  }

  /** Why the last attempt to reach the peer failed. */
  get whyDown(): SkeinError {
    return (this.#whyDown ??= whyUnsent(this.address, 'it was not dialled yet'));
  }

  /** Whether its wire is of no use at present: nothing waits for an answer or may be sent, or there is none to be had. */
  get isResting(): boolean {
    return this.isDown || (this.#load.awaited === 0 && (!this.#load.outlet.hasReady || this.#hasHadItsTurn));
  }

  /** Whether nothing waits here, and nothing is under way. */
  get isFlushed(): boolean {
    return this.#load.isEmpty && !this.#control.hasReady && !this.#voice.isSpeaking;
  }

  get #hasHadItsTurn(): boolean {
    return this.isYielding && this.#load.sentOnWire > 0;
  }

  /** Epoch ms of the node's clock. */
  now(): number {
    return this.#ports.clock.now();
  }

  /** Queues the request; it comes back `overloaded` where too many wait. */
  send(request: Outgoing): void {
    const hasRoom = this.#voice.hasRoomFor(request.bytes + this.#load.outbox.weight);
    if (this.#load.offer(request, hasRoom) && this.#state === 'idle') this.#keeper.wants(this);
  }

  /** Takes back a request that its sender settled: it is not sent any more, or the peer is told. */
  withdraw(request: Outgoing): void {
    if (this.#load.withdraw(request)) this.#control.offer({ kind: Kind.cancel, id: request.id });
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
    this.#turn('connecting');
    this.#open$.next(true);
  }

  /** No one else wants its place any more. */
  resume(): void {
    this.isYielding = false;
    this.#resumed$.next();
  }

  /** Ends its wire. What waits stays; what was sent ends. */
  shut(): void {
    const lost = this.#whyLost();
    this.#end();
    this.#load.failSent(lost);
  }

  /** Ends its wire and all that it holds, for there is no way to the peer any more. */
  abandon(reason: string): void {
    this.shut();
    this.#load.giveUpWaiting(new SkeinError('undeliverable', { reason }));
  }

  /** Ends its wire and all that it holds, for the node closes. */
  close(): void {
    const what = 'the node';
    this.#end();
    this.#load.failWaiting(new SkeinError('closed', { what }));
    this.#load.failSent(new SkeinError('closed', { what }, { ran: 'unknown' }));
  }

  #end(): void {
    this.#turn('idle');
    // The conversation before its wire, so that it can still say goodbye.
    this.#shut$.next();
    this.#open$.next(false);
    this.#control.drain();
  }

  #dialAndTalk(): Observable<Vital> {
    const dialling: Dialling = {
      address: this.address,
      meet: (wire) => this.#meet(wire).pipe(takeUntil(this.#shut$)),
      onVital: (vital) => {
        this.#turn(vital === 'suspect' ? 'suspect' : 'live');
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
    this.#heard = 0;
    this.#control.offer({ kind: Kind.hello, ...greetingOf(identity), link: this.#number });
    const held = holdBack(this.#load.outlet, () => this.#hasHadItsTurn, this.#resumed$);
    const requests = gateByCredit<Envelope | Outgoing>(held, this.#credit$);
    return converse<Outgoing>({
      wire,
      codec,
      clock,
      voice: this.#voice,
      control: this.#control,
      // Control first, for it never waits for credit.
      outlet: oneAfterAnother<Envelope | Outgoing>(this.#control, shareOut(requests, this.#load.strands)),
      prepare: (batch) => {
        const { envelopes, unused } = this.#load.prepare(batch);
        if (unused > 0) this.#credit$.next(unused);
        return envelopes;
      },
      isWindow: (length) => this.#load.awaited <= length && this.#load.awaited > length / 2,
      // Or the peer would not know that these are no longer wanted, rather than lost.
      lastWords: () => {
        const cancels = this.#control.drain().filter(({ kind }) => kind === Kind.cancel);
        return cancels.slice(0, limits.recordsMax - 1);
      },
      unsendable: (envelope, error) => {
        const unused = this.#load.takeBack(envelope, error);
        if (unused > 0) this.#credit$.next(unused);
      },
      receive: (envelopes) => {
        this.#receive(envelopes);
      },
      heartbeatMs: identity.heartbeatMs,
      peerHeartbeatMs: () => this.#peerHeartbeatMs,
    });
  }

  #receive(envelopes: readonly Envelope[]): void {
    const now = this.now();
    for (const envelope of envelopes) {
      if (!this.#load.hear(envelope, now)) this.#receiveRare(envelope);
      this.#heard += 1;
    }
    this.#tellIfResting();
  }

  #receiveRare(envelope: Envelope): void {
    switch (envelope.kind) {
      case Kind.credit:
        this.#credit$.next(envelope.count);
        break;
      case Kind.welcome:
        this.#welcome(envelope);
        break;
      case Kind.goodbye:
        throw new Gone(`${this.address} said goodbye: ${envelope.reason}`, this.#believe(envelope));
      case Kind.heartbeat:
        break;
      default:
        throw new SkeinError('protocol-error', { reason: 'the listening side sent what only the dialling side may send' });
    }
  }

  /** That what is not answered was not started holds only where no answer was lost on the way. */
  #believe({ code, said }: GoodbyeEnvelope): string {
    return code === farewells.drained && said !== this.#heard ? farewells.closed : code;
  }

  #welcome({ incarnation, heartbeatMs, credit, resumption }: WelcomeEnvelope): void {
    if (this.incarnation !== '' && incarnation !== this.incarnation) {
      throw new Gone(`${this.address} belongs to another process by now`);
    }
    this.#peerHeartbeatMs = heartbeatMs;
    this.#load.resume(incarnation, resumption);
    this.#credit$.next(credit);
    this.#welcomed$.next('live');
  }

  /** The wire is gone, or there was none to be had: what was sent and what waits end, each in its own way. */
  #lose(error: unknown): void {
    const lost = this.#whyLost();
    const why = (this.#whyDown = whyUnsent(this.address, error));
    // Before its requests go on, so that none of them comes back here.
    this.#turn(hasLeft(error) ? 'left' : 'down');
    this.#control.drain();
    this.#load.lose(lost, why, error);
    this.#tellIfResting();
  }

  #whyLost(): SkeinError {
    return whyLost(this.address, this.state === 'suspect', this.#peerHeartbeatMs);
  }

  #turn(state: LinkState): void {
    this.#state = state;
    this.#keeper.turned(this);
  }

  #tellIfResting(): void {
    if (this.isResting) this.#keeper.resting(this);
  }
}
