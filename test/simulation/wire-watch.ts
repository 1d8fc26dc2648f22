import { defer, finalize, map, type Observable, tap } from 'rxjs';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { type Envelope, Kind, type RequestEnvelope } from '../../lib/core/envelope.js';
import { type Listening, Network, type Wire } from '../../lib/index.js';
import { type Arrivals, Hearing } from './arrivals.js';
import type { Ledger } from './ledger.js';

type Frames = readonly Uint8Array[];

/** Looks on as wires are used, by the real codec's bytes, and tells of each breach of the protocol. */
export class WireWatch {
  /** Which servers have heard a request, by the token in its payload. */
  readonly #hearings = new Map<number, Hearing[]>();
  /** Requests that left on any wire. */
  sent = 0;
  readonly #codec = new MsgpackrCodec();
  readonly #breach: Ledger['breach'];
  /** Whether servers only leave in order, so that nobody takes back what was accepted. */
  readonly isCalm: boolean;

  constructor(breach: Ledger['breach'], isCalm: boolean) {
    this.#breach = breach;
    this.isCalm = isCalm;
  }

  /** The network of one run of a node, watched. */
  over(network: Network, arrivals: Arrivals): Network {
    return new WatchedNetwork(
      network,
      (wire) => this.#watched(wire, new DialledSide(wire.address, this)),
      (wire) => this.#watched(wire, new ServedSide(wire.address, arrivals, this)),
    );
  }

  /** A server of that name has heard the request. */
  heard({ payload }: RequestEnvelope, server: string): Hearing {
    const hearing = new Hearing(server);
    const { token = 0 } = payload as { readonly token?: number };
    this.#hearings.set(token, [...(this.#hearings.get(token) ?? []), hearing]);
    return hearing;
  }

  /** How often servers have refused the request. */
  refusals(token: number): number {
    return this.#hearings.get(token)?.filter(({ isRefused }) => isRefused).length ?? 0;
  }

  /** Whether a server of that name has heard the request, and has not refused it. */
  isTaken(token: number, server: string): boolean {
    return this.#hearings.get(token)?.some((hearing) => hearing.server === server && !hearing.isRefused) === true;
  }

  breach(kind: number, what: string, where: string): void {
    this.#breach(`an envelope of kind ${String(kind)} ${what}`, where);
  }

  #watched(wire: Wire, side: Side): Wire {
    return {
      address: wire.address,
      message$: wire.message$.pipe(
        tap((frames) => this.#tell(frames, (envelope) => side.hear(envelope))),
        finalize(() => side.end()),
      ),
      send: (frames) =>
        defer(() => {
          this.#tell(frames, (envelope) => side.say(envelope));
          return wire.send(frames);
        }),
    };
  }

  #tell(frames: Frames, listener: (envelope: Envelope) => void): void {
    for (const envelope of this.#codec.decode(frames)) listener(envelope);
  }
}

/** One end of a wire, by what it says and hears. */
interface Side {
  say(envelope: Envelope): void;
  hear(envelope: Envelope): void;
  end(): void;
}

/** Who dialled: it greets, waits for the welcome, and sends as many requests as it has credit for. */
class DialledSide implements Side {
  readonly #address: string;
  readonly #watch: WireWatch;
  readonly #methods = new Set<number>();
  #hasGreeted = false;
  #isWelcomed = false;
  #hasLeft = false;
  #credit = 0;

  constructor(address: string, watch: WireWatch) {
    this.#address = address;
    this.#watch = watch;
  }

  say(envelope: Envelope): void {
    this.#check(!this.#hasLeft, envelope, 'came behind a goodbye');
    switch (envelope.kind) {
      case Kind.hello:
        this.#check(!this.#hasGreeted, envelope, 'came twice');
        this.#hasGreeted = true;
        break;
      case Kind.method:
        this.#check(this.#isWelcomed, envelope, 'left before the welcome');
        this.#methods.add(envelope.index);
        break;
      case Kind.call:
      case Kind.cast:
        this.#watch.sent += 1;
        this.#credit -= 1;
        this.#check(this.#isWelcomed, envelope, 'left before the welcome');
        this.#check(this.#credit >= 0, envelope, 'left without credit');
        this.#check(this.#methods.has(envelope.method), envelope, 'has a method that was not named');
        this.#check(envelope.ttlMs >= 1, envelope, 'left without time');
        break;
      case Kind.cancel:
      case Kind.heartbeat:
        this.#check(this.#hasGreeted, envelope, 'left before the hello');
        break;
      case Kind.goodbye:
        this.#hasLeft = true;
        break;
      default:
        this.#check(false, envelope, 'is not for who dialled to say');
    }
  }

  hear(envelope: Envelope): void {
    if (envelope.kind === Kind.credit) this.#credit += envelope.count;
    if (envelope.kind !== Kind.welcome) return;
    this.#isWelcomed = true;
    this.#credit += envelope.credit;
  }

  end(): void {
    // What was under way may still be asked for again.
  }

  #check(holds: boolean, { kind }: Envelope, what: string): void {
    if (!holds) this.#watch.breach(kind, what, `to ${this.#address}`);
  }
}

const attemptKey = (id: number, attempt = 0): string => `${String(id)}/${String(attempt)}`;

/** A request as its wire heard it. */
interface Heard {
  readonly id: number;
  readonly hearing: Hearing;
  readonly isAwaited: boolean;
}

/** Who listens: it welcomes, gives credit, and answers each request once at most. */
class ServedSide implements Side {
  readonly #address: string;
  readonly #arrivals: Arrivals;
  readonly #watch: WireWatch;
  /** How often each request has come and has not been answered; of those that a repeat has joined, one stays. */
  readonly #unanswered = new Map<number, number>();
  readonly #servers = new Map<number, string>();
  /** By id and attempt. */
  readonly #heard = new Map<string, Heard>();
  /** Casts that were not said to be accepted, oldest first. */
  #unaccepted: number[] = [];
  readonly #accepted = new Set<number>();
  #caller = '';
  #hasDrained = false;
  #hasWelcomed = false;
  #credit = 0;

  constructor(address: string, arrivals: Arrivals, watch: WireWatch) {
    this.#address = address;
    this.#arrivals = arrivals;
    this.#watch = watch;
  }

  say(envelope: Envelope): void {
    switch (envelope.kind) {
      case Kind.welcome:
        this.#check(!this.#hasWelcomed, envelope, 'came twice');
        this.#hasWelcomed = true;
        this.#credit += envelope.credit;
        break;
      case Kind.credit:
        this.#credit += envelope.count;
        break;
      case Kind.accept: {
        const accepted = this.#unaccepted.splice(0, envelope.count);
        this.#check(accepted.at(-1) === envelope.id, envelope, 'accepts other casts than the oldest that came');
        for (const id of accepted) this.#accepted.add(id);
        break;
      }
      case Kind.reply:
      case Kind.error:
      case Kind.refuse:
      case Kind.done:
        this.#answer(envelope);
        this.#arrivals.settled(this.#key(envelope.id));
        if (envelope.kind !== Kind.refuse) break;
        this.#check(!this.#watch.isCalm || !this.#accepted.has(envelope.id), envelope, 'takes back what was accepted');
        this.#refuse(envelope.id, envelope.attempt);
        break;
      case Kind.heartbeat:
        break;
      case Kind.goodbye:
        if (envelope.code === 'drained') this.#giveBack();
        break;
      default:
        this.#check(false, envelope, 'is not for who listens to say');
    }
  }

  hear(envelope: Envelope): void {
    if (envelope.kind === Kind.hello) this.#caller = envelope.incarnation;
    if (envelope.kind === Kind.method) this.#servers.set(envelope.index, envelope.name.server);
    if (envelope.kind === Kind.cancel && this.#isOpen(envelope.id)) this.#arrivals.takenBack(this.#key(envelope.id));
    if (envelope.kind !== Kind.call && envelope.kind !== Kind.cast) return;
    this.#credit -= 1;
    // Who has drained heeds nothing more.
    if (this.#hasDrained) return;
    // What was refused before may come again.
    this.#unanswered.set(envelope.id, (this.#unanswered.get(envelope.id) ?? 0) + 1);
    this.#accepted.delete(envelope.id);
    if (envelope.kind === Kind.cast) this.#unaccepted.push(envelope.id);
    this.#check(this.#credit >= 0, envelope, 'arrived without credit');
    this.#check(this.#hasWelcomed, envelope, 'arrived before the welcome');
    const hearing = this.#watch.heard(envelope, this.#servers.get(envelope.method) ?? '');
    const isAwaited = envelope.kind === Kind.call || envelope.meta?.confirm === 'done';
    const attempt = envelope.meta?.attempt;
    this.#heard.set(attemptKey(envelope.id, attempt), { hearing, isAwaited, id: envelope.id });
    this.#arrivals.heard(this.#key(envelope.id), envelope.ttlMs, attempt !== undefined);
  }

  /** What is not started by then is its sender's again. */
  #giveBack(): void {
    this.#hasDrained = true;
    for (const { id } of this.#heard.values()) this.#arrivals.returned(this.#key(id));
  }

  /** Nobody is there any more whom what is awaited could be answered to. */
  end(): void {
    for (const { id, isAwaited } of this.#heard.values()) {
      if (!isAwaited) continue;
      this.#arrivals.settled(this.#key(id));
    }
  }

  #key(id: number): string {
    return `${this.#caller}/${String(id)}`;
  }

  #isOpen(id: number): boolean {
    return (this.#unanswered.get(id) ?? 0) > 0;
  }

  #answer(envelope: Envelope & { readonly id: number }): void {
    this.#check(this.#isOpen(envelope.id), envelope, 'answers a request twice');
    this.#unanswered.set(envelope.id, (this.#unanswered.get(envelope.id) ?? 1) - 1);
  }

  /** One that was accepted before is still one that was accepted. */
  #refuse(id: number, attempt: number | undefined): void {
    const heard = this.#heard.get(attemptKey(id, attempt));
    if (heard && !this.#accepted.has(id)) heard.hearing.isRefused = true;
  }

  #check(holds: boolean, { kind }: Envelope, what: string): void {
    if (!holds) this.#watch.breach(kind, what, `from ${this.#address}`);
  }
}

class WatchedNetwork extends Network {
  readonly #network: Network;
  readonly #dialled: (wire: Wire) => Wire;
  readonly #served: (wire: Wire) => Wire;

  constructor(network: Network, dialled: (wire: Wire) => Wire, served: (wire: Wire) => Wire) {
    super();
    this.#network = network;
    this.#dialled = dialled;
    this.#served = served;
  }

  override dial(address: string): Observable<Wire> {
    return this.#network.dial(address).pipe(map((wire) => this.#dialled(wire)));
  }

  override listen(address: string): Observable<Listening | Wire> {
    return this.#network.listen(address).pipe(map((event) => ('listening' in event ? event : this.#served(event))));
  }
}
