import { defer, map, type Observable, tap } from 'rxjs';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { type Envelope, Kind } from '../../lib/core/envelope.js';
import { type Clock, type Listening, Network, type Wire } from '../../lib/index.js';

type Frames = readonly Uint8Array[];

/** Looks on as wires are used, by the real codec's bytes, and notes each breach of the protocol as a sentence. */
export class WireWatch {
  readonly breaches: string[] = [];
  /** When each request's time is up, by the clock of the server that it arrived at; the key is the one that handlers see. */
  readonly dueAt = new Map<string, number>();
  /** Requests that left on any wire. */
  sent = 0;
  readonly #codec = new MsgpackrCodec();

  /** The network, watched. */
  over(network: Network, clock: Clock): Network {
    return new WatchedNetwork(
      network,
      (wire) => this.#watched(wire, new DialledSide(wire.address, this)),
      (wire) => this.#watched(wire, new ServedSide(wire.address, clock, this)),
    );
  }

  breach(sentence: string): void {
    this.breaches.push(sentence);
  }

  #watched(wire: Wire, side: Side): Wire {
    return {
      address: wire.address,
      message$: wire.message$.pipe(tap((frames) => this.#tell(frames, (envelope) => side.hear(envelope)))),
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

  #check(holds: boolean, { kind }: Envelope, what: string): void {
    if (!holds) this.#watch.breach(`to ${this.#address}: an envelope of kind ${String(kind)} ${what}`);
  }
}

/** Who listens: it welcomes, gives credit, and answers each request once at most. */
class ServedSide implements Side {
  readonly #address: string;
  readonly #clock: Clock;
  readonly #watch: WireWatch;
  readonly #answered = new Set<number>();
  #caller = '';
  #hasWelcomed = false;
  #credit = 0;
  #casts = 0;

  constructor(address: string, clock: Clock, watch: WireWatch) {
    this.#address = address;
    this.#clock = clock;
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
      case Kind.accept:
        this.#casts -= envelope.count;
        this.#check(this.#casts >= 0, envelope, 'accepts more casts than came');
        break;
      case Kind.reply:
      case Kind.error:
      case Kind.refuse:
      case Kind.done:
        this.#check(!this.#answered.has(envelope.id), envelope, `answers request ${String(envelope.id)} twice`);
        this.#answered.add(envelope.id);
        break;
      case Kind.heartbeat:
      case Kind.goodbye:
        break;
      default:
        this.#check(false, envelope, 'is not for who listens to say');
    }
  }

  hear(envelope: Envelope): void {
    if (envelope.kind === Kind.hello) this.#caller = envelope.incarnation;
    if (envelope.kind !== Kind.call && envelope.kind !== Kind.cast) return;
    this.#credit -= 1;
    // What was refused before may come again.
    this.#answered.delete(envelope.id);
    if (envelope.kind === Kind.cast) this.#casts += 1;
    this.#check(this.#credit >= 0, envelope, 'arrived without credit');
    this.#check(this.#hasWelcomed, envelope, 'arrived before the welcome');
    this.#watch.dueAt.set(`${this.#caller}/${String(envelope.id)}`, this.#clock.now() + envelope.ttlMs);
  }

  #check(holds: boolean, { kind }: Envelope, what: string): void {
    if (!holds) this.#watch.breach(`from ${this.#address}: an envelope of kind ${String(kind)} ${what}`);
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
