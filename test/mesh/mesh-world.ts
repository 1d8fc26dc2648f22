import { concatMap, filter, Subject, type Subscription } from 'rxjs';
import { Actor } from '../../lib/actors/actor.js';
import { MemoryMatchmaker } from '../../lib/adapters/matchmaker-memory/memory-matchmaker.js';
import { MemoryRegistry } from '../../lib/adapters/matchmaker-memory/memory-registry.js';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { SimWorld, type SimWorldOptions } from '../../lib/adapters/sim/sim-world.js';
import { CountingMeter } from '../../lib/adapters/system/counting-meter.js';
import { type Envelope, Kind, type MethodEnvelope, protocolMajor, type RequestEnvelope } from '../../lib/core/envelope.js';
import type { SkeinError } from '../../lib/core/errors.js';
import { limits } from '../../lib/core/limits.js';
import type { Identity, MeshPorts } from '../../lib/mesh/mesh-ports.js';
import type { Codec } from '../../lib/ports/codec.js';
import type { Registration } from '../../lib/ports/matchmaker.js';
import type { Wire } from '../../lib/ports/network.js';
import { type Balance, type Incoming, type Operation, Outgoing } from '../../lib/ports/transport.js';
import { RecordingLogger } from '../recording-logger.js';

export const operation: Operation = { exchange: 'default', topic: 'echo', namespace: '', version: '1.0', method: 'echo' };

/** A request that keeps what was told of it. */
export class TestRequest extends Outgoing {
  override readonly kind: RequestEnvelope['kind'];
  override readonly operation = operation;
  override readonly pinned = undefined;
  override readonly balance: Balance = 'least-loaded';
  override readonly key = undefined;
  readonly told: unknown[] = [];
  error: SkeinError | undefined;

  constructor(id: number, deadline: number, kind: RequestEnvelope['kind'] = Kind.call) {
    super(id, `payload ${String(id)}`, 32, undefined, deadline);
    this.kind = kind;
    this.server = 'b';
  }

  override reply(payload: unknown): void {
    this.#end(payload);
  }

  override accept(): void {
    this.#end('accepted');
  }

  override done(): void {
    this.#end('done');
  }

  override working(): void {
    this.told.push('working');
  }

  override fail(error: SkeinError): void {
    this.error = error;
    this.#end(error.code);
  }

  override expects(): boolean {
    return false;
  }

  override expire(): void {
    throw new Error('no wheel holds it');
  }

  #end(how: unknown): void {
    this.told.push(how);
    this.isSettled = true;
  }
}

/** One end of a wire, spoken by hand. */
export class RawPeer {
  readonly heard: Envelope[] = [];
  /** How many came in each message. */
  readonly sizes: number[] = [];
  /** Why it could not read what it heard. */
  readonly unread: unknown[] = [];
  isOver = false;
  readonly #say$ = new Subject<readonly Uint8Array[]>();
  readonly #codec: Codec;
  readonly #listening: Subscription;

  constructor(wire: Wire, codec: Codec = new MsgpackrCodec()) {
    this.#codec = codec;
    this.#say$.pipe(concatMap((frames) => wire.send(frames))).subscribe({ error: () => undefined });
    this.#listening = wire.message$.subscribe({
      next: (frames) => {
        this.#hear(frames);
      },
      complete: () => (this.isOver = true),
    });
  }

  say(...envelopes: readonly Envelope[]): void {
    this.sayFrames(this.#codec.encode(envelopes));
  }

  sayFrames(frames: readonly Uint8Array[]): void {
    this.#say$.next(frames);
  }

  leave(): void {
    this.#listening.unsubscribe();
  }

  #hear(frames: readonly Uint8Array[]): void {
    try {
      const envelopes = this.#codec.decode(frames);
      this.sizes.push(envelopes.length);
      this.heard.push(...envelopes);
    } catch (error) {
      this.unread.push(error);
    }
  }

  /** What it heard of one kind. */
  of<K extends Envelope['kind']>(kind: K): (Envelope & { readonly kind: K })[] {
    return this.heard.filter((envelope): envelope is Envelope & { readonly kind: K } => envelope.kind === kind);
  }
}

export const hello: Envelope = {
  kind: Kind.hello,
  major: protocolMajor,
  node: 'raw',
  incarnation: 'raw-1',
  features: [],
  heartbeatMs: 1_000,
};

export const welcome: Extract<Envelope, { readonly kind: typeof Kind.welcome }> = {
  kind: Kind.welcome,
  major: protocolMajor,
  node: 'raw',
  incarnation: 'raw-1',
  features: [],
  heartbeatMs: 1_000,
  credit: 1_024,
};

export const named: MethodEnvelope = { kind: Kind.method, index: 0, name: { ...operation, server: 'b' } };

export const request = (id: number, kind: RequestEnvelope['kind'] = Kind.call, method = 0): RequestEnvelope => ({
  kind,
  id,
  method,
  ttlMs: 60_000,
  payload: id,
  bytes: 5,
  meta: undefined,
});

/** Hosts in a simulated world, each with the ports that the pieces of a mesh take. */
export class MeshWorld {
  readonly sim: SimWorld;
  readonly registry = new MemoryRegistry();

  constructor(options: Partial<SimWorldOptions> = {}) {
    this.sim = new SimWorld({ seed: 1, latencyMs: 1, ...options });
  }

  ports(host: string, identity: Partial<Identity> = {}, codec: Codec = new MsgpackrCodec()) {
    const logger = new RecordingLogger();
    const clock = this.sim.clock;
    const ports: MeshPorts = {
      identity: {
        node: host,
        incarnation: `${host}-1`,
        bind: `sim://${host}/skein`,
        advertise: undefined,
        heartbeatMs: limits.heartbeatMs,
        linkCredit: limits.linkCredit,
        linksMax: limits.linksMax,
        noServerMs: limits.noServerMs,
        leaseMs: limits.leaseMs,
        ...identity,
      },
      network: this.sim.network(host),
      matchmaker: new MemoryMatchmaker(this.registry),
      codec,
      clock,
      random: new SeededRandom(1),
      logger,
      meter: new CountingMeter(),
    };
    const root = Actor.root(host, { clock, random: ports.random, logger });
    return { ports, root, logger };
  }

  /** Dials as a host, and speaks by hand. */
  async dialRaw(host: string, address: string, codec?: Codec): Promise<RawPeer> {
    const peers: RawPeer[] = [];
    this.sim
      .network(host)
      .dial(address)
      .subscribe((wire) => peers.push(new RawPeer(wire, codec)));
    await this.sim.clock.runUntil(() => peers.length > 0);
    return peers[0] as RawPeer;
  }

  /** Listens as a host; whoever dials is spoken to by hand. */
  listenRaw(host: string, codec?: Codec): RawPeer[] {
    const peers: RawPeer[] = [];
    this.sim
      .network(host)
      .listen(`sim://${host}/skein`)
      .pipe(filter((event): event is Wire => 'message$' in event))
      .subscribe((wire) => peers.push(new RawPeer(wire, codec)));
    return peers;
  }
}

export const registrationOf = (host: string, more: Partial<Registration> = {}): Registration => ({
  exchange: operation.exchange,
  topic: operation.topic,
  server: host,
  node: host,
  version: '1.0',
  namespace: '',
  address: `sim://${host}/skein`,
  incarnation: `${host}-1`,
  leaseMs: limits.leaseMs,
  labels: {},
  ...more,
});

/** Takes all requests in, as an endpoint that serves `echo` under that name. */
export const endpointOf = (server: string, admit: (request: Incoming) => void) => ({
  exchange: operation.exchange,
  topic: operation.topic,
  server,
  version: '1.0',
  namespace: '',
  labels: {},
  find: () => ({ admit }),
});

/** Answers each request at once with what it brought. */
export const echo = (incoming: Incoming): void => {
  incoming.leave();
  if (incoming.kind === Kind.call) incoming.reply(incoming.payload, 32);
  else incoming.done();
};
