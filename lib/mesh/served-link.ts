import { map, merge, type Observable, Subject, type Subscription, tap } from 'rxjs';
import { type Backlog, backlogOf } from '../core/backlog.js';
import { type Envelope, type HelloEnvelope, Kind, type RequestEnvelope } from '../core/envelope.js';
import { writeError } from '../core/error-record.js';
import { SkeinError } from '../core/errors.js';
import { IdTable } from '../core/id-table.js';
import { limits } from '../core/limits.js';
import { Mailbox } from '../operators/mailbox.js';
import { shareOut } from '../operators/share-out.js';
import type { Vital } from '../operators/watch-silence.js';
import type { Wire } from '../ports/network.js';
import type { Caller, ServedStream } from '../ports/transport.js';
import { ArrivedCasts } from './arrived-casts.js';
import { converse, Voice } from './converse.js';
import { Gone, hasLeft, isRefusal } from './gone.js';
import { greetingOf } from './greeting.js';
import { farewell, LeaveTaking } from './leave-taking.js';
import type { MeshPorts } from './mesh-ports.js';
import { malformed, NamedMethods } from './named-methods.js';
import type { Reception } from './reception.js';
import { type AnswerDesk, inPlaceOf, ServedRequest } from './served-request.js';
import { streamBacklogs } from './stream-backlogs.js';
import { Strands } from './strands.js';
import { tellStream } from './tell-stream.js';

/** The listening end of a wire: lets requests in, as many as it gave credit for, and takes the answers back. */
export class ServedLink implements AnswerDesk {
  readonly #wire: Wire;
  readonly #reception: Reception;
  readonly #ports: MeshPorts;
  readonly #answers = new Mailbox<Envelope>({
    max: limits.unreadMax,
    weigh: (envelope) => (envelope.kind === Kind.reply ? envelope.bytes : 0),
    batchWeightMax: limits.batchBytesMax,
  });
  /** What its streams have to say. */
  readonly way = new Strands();
  readonly #methods: NamedMethods;
  /** Requests that were let in and are not settled at once: those that can still be cancelled. */
  readonly #working = new IdTable<ServedRequest>();
  readonly #voice = new Voice();
  #caller: Caller | undefined;
  /** Names the dialling side's link, where it has told its number. */
  #key: string | undefined;
  readonly #casts = new ArrivedCasts();
  /** While what may be repeated waits for its caller to come back. */
  #patience: Subscription | undefined;
  #peerHeartbeatMs: number;
  /** Requests that the peer may still send, and credit that is to go back to it. */
  #allowance = 0;
  #owed = 0;
  #isGone = false;
  readonly #leave = new LeaveTaking();
  readonly #failed$ = new Subject<never>();

  constructor(wire: Wire, reception: Reception, ports: MeshPorts) {
    this.#wire = wire;
    this.#reception = reception;
    this.#methods = new NamedMethods(reception);
    this.#ports = ports;
    this.#peerHeartbeatMs = ports.identity.heartbeatMs;
  }

  /** The conversation; when it ends, work that no one waits for any more is cancelled. */
  run(): Observable<Vital> {
    const { codec, clock, identity, logger } = this.#ports;
    const talk$ = converse<never>({
      wire: this.#wire,
      codec,
      clock,
      voice: this.#voice,
      outlet: shareOut(this.#answers, this.way),
      control: this.#answers,
      prepare: (batch) => this.#prepare(batch),
      unsendable: (envelope, error) => {
        this.#failInstead(envelope, error);
      },
      receive: (envelopes) => {
        this.#receive(envelopes);
      },
      // Of larger windows the dialler has several messages under way.
      isWindow: (length) => length < limits.batchMax / 2,
      heartbeatMs: identity.heartbeatMs,
      peerHeartbeatMs: () => this.#peerHeartbeatMs,
    });
    return merge(talk$, this.#failed$).pipe(
      map((vital) => {
        if (vital === 'lost') throw new Gone(`${this.#wire.address} was silent for too long`);
        return vital;
      }),
      tap({
        error: (error: unknown) => {
          if (isRefusal(error)) logger.warn(`a link from ${this.#wire.address} is refused`, { error });
          this.#lose(hasLeft(error));
        },
        unsubscribe: () => {
          this.end();
        },
      }),
    );
  }

  /** Whether no answer waits here, or is on its way. */
  get isFlushed(): boolean {
    return this.#isGone || (!this.#answers.hasReady && !this.way.hasReady && !this.#voice.isSpeaking);
  }

  /** Answers that wait for the wire, and what its streams keep. */
  get backlogs(): readonly Backlog[] {
    return [backlogOf('answers', this.#answers), ...streamBacklogs(this.#working.values()), ...this.#voice.backlogs];
  }

  /** The dialling side has a newer wire for the same link: what still comes by this one is not heard. */
  supersede(): void {
    this.#failed$.error(new Gone(`${this.#wire.address} has dialled anew`));
  }

  /** All that was let in is done: says goodbye and lets nothing more in. The peer ends the wire, and has got all answers by then. */
  sayGoodbye(): void {
    if (this.#leave.isLeaving) return;
    this.#leave.isLeaving = true;
    this.#answers.offer(farewell());
  }

  /** The node closes: nothing that came by this wire goes on. */
  end(): void {
    this.#patience?.unsubscribe();
    const requests = this.#working.values();
    this.#working.clear();
    for (const request of requests) request.cancel(new SkeinError('closed', { what: 'the node' }));
  }

  hold(request: ServedRequest): void {
    this.#working.set(request);
  }

  answer(request: ServedRequest, envelope: Envelope): void {
    this.forget(request);
    if (envelope.kind === Kind.refuse && request.kind === Kind.cast) this.#casts.refused(request.id);
    if (this.#isGone || this.#answers.offer(envelope)) return;
    this.#failed$.error(new Gone(`${this.#wire.address} does not read its answers: too many wait`));
  }

  say(envelope: Envelope): void {
    if (!this.#isGone) this.#answers.offer(envelope);
  }

  forget(request: ServedRequest): void {
    if (this.#working.size === 0 || this.#working.get(request.id) !== request) return;
    this.#working.delete(request.id);
    this.#leaveIfDone();
  }

  release(): void {
    this.#owed += 1;
    // In large portions, for a batch of a few requests should not cost a credit each; but who has hardly any left should not wait for it.
    if (this.#owed >= this.#ports.identity.linkCredit / 4 || this.#owed > this.#allowance) this.#returnCredit();
  }

  /** What could be measured, and cannot be sent; whoever waits for it is told so. */
  #failInstead(envelope: Envelope, cause: SkeinError): void {
    if (envelope.kind === Kind.item) this.#working.get(envelope.id)?.stream?.broken(cause);
    this.#ports.logger.error('an answer cannot be sent', { error: cause });
    const instead = inPlaceOf(envelope, cause);
    if (instead) this.#answers.offer(instead);
  }

  /** While more answers wait than may wait, credit stays here: who does not read may not ask. */
  #returnCredit(): void {
    const isRead = this.#answers.size <= limits.answersMax && this.#voice.hasRoomFor(this.#answers.weight);
    if (this.#owed === 0 || !isRead) return;
    this.#answers.offer({ kind: Kind.credit, count: this.#owed });
    this.#allowance += this.#owed;
    this.#owed = 0;
  }

  #prepare(batch: readonly Envelope[]): Envelope[] {
    if (!this.#leave.isLeaving && this.#owed >= this.#ports.identity.linkCredit / 4) this.#returnCredit();
    return this.#leave.count(batch);
  }

  #receive(envelopes: readonly Envelope[]): void {
    if (this.#leave.isLeaving) return;
    const now = this.#ports.clock.now();
    let casts = 0;
    for (const envelope of envelopes) {
      if (envelope.kind === Kind.call || envelope.kind === Kind.cast || envelope.kind === Kind.open) {
        this.#admit(envelope, now);
        if (envelope.kind === Kind.cast) casts += 1;
      } else if (envelope.kind === Kind.item || envelope.kind === Kind.demand || envelope.kind === Kind.end) {
        tellStream(this.#streamOf(envelope.id), envelope);
      } else this.#receiveRare(envelope);
    }
    if (casts > 0) this.#answers.offer({ kind: Kind.accept, count: casts, id: this.#casts.newest });
  }

  /** The side that serves the stream of that id; none once it is over. */
  #streamOf(id: number): ServedStream | undefined {
    const request = this.#working.get(id);
    if (request && !request.stream) throw malformed('an item, demand or an end for what is no open stream');
    return request?.stream;
  }

  #receiveRare(envelope: Envelope): void {
    switch (envelope.kind) {
      case Kind.hello:
        this.#welcome(envelope);
        break;
      case Kind.method:
        this.#methods.name(envelope.index, envelope.name);
        break;
      case Kind.cancel:
        this.#cancel(envelope.id);
        break;
      case Kind.goodbye:
        throw new Gone(`${this.#wire.address} said goodbye: ${envelope.reason}`, envelope.code);
      case Kind.heartbeat:
        break;
      default:
        throw malformed('the dialling side sent what only the listening side may send');
    }
  }

  #welcome({ node, incarnation, heartbeatMs, link }: HelloEnvelope): void {
    const { identity } = this.#ports;
    if (this.#caller) throw malformed('a second hello on one wire');
    this.#caller = { id: incarnation, node, address: this.#wire.address };
    this.#key = link === undefined ? undefined : `${incarnation}/${String(link)}`;
    this.#peerHeartbeatMs = heartbeatMs;
    this.#allowance = identity.linkCredit;
    this.#answers.offer({
      kind: Kind.welcome,
      ...greetingOf(identity),
      credit: identity.linkCredit,
      resumption: this.#key === undefined ? undefined : this.#reception.resume(this.#key, this),
    });
  }

  #admit(envelope: RequestEnvelope, now: number): void {
    if (!this.#caller) throw malformed('a request before the hello');
    if (this.#allowance === 0) throw malformed('more requests than were given credit for');
    this.#allowance -= 1;
    if (envelope.kind === Kind.cast) this.#casts.arrived(envelope.id);
    const { name, desk } = this.#methods.find(envelope.method);
    const request = new ServedRequest(envelope, name, this.#caller, now + envelope.ttlMs, this);
    const attempt = envelope.meta?.attempt;
    if (attempt !== undefined && !this.#reception.repeats.admit(request, attempt)) return;
    if (desk instanceof SkeinError) request.refuse(writeError(desk));
    else desk.admit(request);
    if (request.isSettled) return;
    this.#working.set(request);
    request.prove(this.#ports.clock);
  }

  #cancel(id: number): void {
    const request = this.#working.get(id);
    if (!request) return;
    this.#working.delete(id);
    request.cancel(new SkeinError('cancelled', { reason: 'the caller cancelled the request' }));
    request.takeBack();
  }

  /**
   * The peer has gone: what it waited for is cancelled, at once if it has left for good, else but for what may be repeated, which has
   * three heartbeats' time to be asked for again. What it only wanted to be accepted is done, for so it was told.
   */
  #lose(isForGood: boolean): void {
    this.#isGone = true;
    this.way.clear();
    if (this.#key !== undefined) this.#reception.lose(this.#key, this, isForGood ? undefined : this.#casts.read());
    this.#abandon((request) => isForGood || request.memory === undefined);
    if (this.#working.size === 0) return;
    this.#reception.keep(this);
    if (!this.#working.values().some(({ isAwaited }) => isAwaited)) return;
    this.#patience = this.#ports.clock.schedule(() => {
      this.#abandon(() => true);
    }, limits.suspectBeats * this.#peerHeartbeatMs);
  }

  #leaveIfDone(): void {
    if (!this.#isGone || this.#working.size > 0) return;
    this.#patience?.unsubscribe();
    this.#reception.leave(this);
  }

  /** Ends work whose end someone waited for. */
  #abandon(isHopeless: (request: ServedRequest) => boolean): void {
    const lost = new SkeinError('link-lost', { peer: this.#wire.address });
    for (const request of this.#working.values()) {
      if (!request.isAwaited || !isHopeless(request)) continue;
      this.#working.delete(request.id);
      request.abandon(lost);
    }
    this.#leaveIfDone();
  }
}
